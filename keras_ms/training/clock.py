"""Seconds of training, validation not counted."""

from __future__ import annotations

import time


class Clock:
    """A stopwatch that can be paused.

    Args:
        already: Seconds that it shows at first.
    """

    def __init__(self, already: float = 0.0) -> None:
        self._start = time.perf_counter() - already
        self._paused_since: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds shown."""
        now = time.perf_counter() if self._paused_since is None else self._paused_since
        return now - self._start

    def pause(self) -> None:
        """Stops until `go_on`."""
        if self._paused_since is None:
            self._paused_since = time.perf_counter()

    def go_on(self) -> None:
        """Goes on after `pause`."""
        if self._paused_since is not None:
            self._start += time.perf_counter() - self._paused_since
            self._paused_since = None
