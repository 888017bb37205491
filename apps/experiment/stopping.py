"""SIGTERM and Ctrl-C as a request to save, to export what there is, and to leave."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any

HEEDED = (signal.SIGTERM, signal.SIGINT)


class StoppedError(KeyboardInterrupt):
    """A signal asked to stop. No `except Exception` on its way takes it for an error.

    Args:
        number: The signal's.
        told: What to say to the user.

    Attributes:
        status: What the process exits with.
    """

    def __init__(self, number: int, told: str = "stopped") -> None:
        super().__init__(f"{told} ({signal.Signals(number).name})")
        self.number, self.status = number, 128 + number


class Signals:
    """Within it, the first signal is a request, and a second one ends the process at once.

    Outside the main thread, where Python hears no signals, it does nothing.

    Attributes:
        listener: What is told of a request, if somebody can save before stopping; else
            `StoppedError` is raised where the program is.
        received: Number of the signal that was received, or `None`.
    """

    def __init__(self) -> None:
        self.listener: Callable[[StoppedError], None] | None = None
        self.received: int | None = None
        self._held = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._heed) for number in HEEDED}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Within it, a request waits for the end."""
        already = self.received
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
        if self.received is not None and already is None and not self._held:
            raise StoppedError(self.received)

    def check(self) -> None:
        """Raises `StoppedError` if there was a request, for which its listener came too late."""
        self.listener = None
        if self.received is not None:
            raise StoppedError(self.received)

    def _heed(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.received = number
        if self.listener is not None:
            self.listener(StoppedError(number))
        elif not self._held:
            raise StoppedError(number)
