"""A source that can be gone through once, such as a generator object."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import keras

KEPT_BYTES = 2**30
NOTE = (
    "a generator object can be read once, so that a second pass has the same examples; a "
    "generator function can begin anew"
)


class ReadOnce:
    """Passes over an iterator: what was read before, from memory, then what comes next.

    Beyond `kept_bytes` nothing is kept, and a pass begins where the last one is.

    Args:
        iterator: Yields `(name, example of NumPy arrays or ValueError)`.
        kept_bytes: Most bytes of examples in memory.
    """

    def __init__(self, iterator: Iterator[tuple[str, Any]], kept_bytes: int = KEPT_BYTES) -> None:
        self._iterator, self._left = iterator, kept_bytes
        self._kept: list[tuple[str, Any]] | None = []
        self._ended = False
        self._failure: Exception | None = None
        self._lock = threading.Lock()

    def passes(self) -> Iterator[tuple[str, Any]]:
        """Begins a pass.

        Raises:
            ValueError: If everything was read, and it was too much to be kept.
        """
        if self._ended and self._kept is None:
            raise ValueError(
                "A generator object can be read once, and its examples are too many to keep. "
                "Received: a generator that is read to its end. Pass the generator function, "
                "which can begin anew, or more `cache_bytes`."
            )
        return self._pass()

    def _pass(self) -> Iterator[tuple[str, Any]]:
        position = 0
        while (item := self._item(position)) is not None:
            position += 1
            yield item

    def _item(self, position: int) -> tuple[str, Any] | None:
        with self._lock:
            if self._kept is not None and position < len(self._kept):
                return self._kept[position]
            if self._failure is not None:  # a second pass must not seem to end here
                raise self._failure
            try:
                item = None if self._ended else next(self._iterator, None)
            except Exception as error:
                self._failure = error
                raise
            self._ended = item is None
            if item is not None:
                self._keep(item)
            return item

    def _keep(self, item: tuple[str, Any]) -> None:
        self._left -= sum(getattr(leaf, "nbytes", 0) for leaf in keras.tree.flatten(item[1]))
        if self._left < 0:
            self._kept = None
        if self._kept is not None:
            self._kept.append(item)
