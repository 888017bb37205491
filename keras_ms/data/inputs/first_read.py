"""The first example of a source, looked at without losing it or reading it twice."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

Named = tuple[str, Any]
TRIES = 20  # first examples that may be unreadable


class FirstRead:
    """Passes over a source, of which the first has begun already.

    Args:
        begin: Begins a pass: yields `(name, example or ValueError)`.
    """

    def __init__(self, begin: Callable[[], Iterator[Named]]) -> None:
        self._begin = begin
        self._begun: Iterator[Named] | None = None
        self._lock = threading.Lock()

    def first(self) -> Any:
        """The first readable example. The next pass has it again.

        Raises:
            ValueError: If there is none.
        """
        iterator = self._begin()
        seen: list[Named] = []
        for name, example in iterator:
            seen.append((name, example))
            if not isinstance(example, ValueError):
                self._begun = itertools.chain(seen, iterator)
                return example
            if len(seen) == TRIES:
                break
        if not seen:
            raise ValueError("There is no example to train on. Received: an empty source.")
        name, error = seen[0]
        raise ValueError(
            f"The first {len(seen)} examples cannot be read. Received: example {name}: {error}"
        ) from error

    def passes(self) -> Iterator[Named]:
        """Begins a pass."""
        with self._lock:
            begun, self._begun = self._begun, None
        return self._begin() if begun is None else begun
