"""The first examples of a pass, looked at without losing them or reading them twice."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

Named = tuple[str, Any]
_MOST_BYTES = 2**28


class LookingAhead:
    """A pass over examples, of which the next ones can be seen.

    Args:
        source: Yields `(name, example of NumPy arrays, or an Exception)`.
    """

    def __init__(self, source: Iterator[Named]) -> None:
        self._source = source
        self._seen: collections.deque[Named] = collections.deque()
        self._failure: Exception | None = None
        self._begun = False

    def first(self) -> list[Named]:
        """What comes up to the first example that is no exception, or up to the end."""
        for item in self._source if not self._begun else ():
            self._seen.append(item)
            if not isinstance(item[1], Exception):
                break
        self._begun = True
        return list(self._seen)

    def some(self, count: int, most_bytes: int = _MOST_BYTES) -> list[Named]:
        """The first examples that are no exceptions.

        Args:
            count: How many elements to look at, from the first that is none on.
            most_bytes: Bytes of examples after which no more are read, to spare memory.
        """
        found = [item for item in self.first() if not isinstance(item[1], Exception)]
        size = sum(_bytes(example) for _, example in found)
        for _ in range(count - 1 if found else 0):
            item = self._next() if size < most_bytes else None
            if item is None:
                break
            self._seen.append(item)
            if not isinstance(item[1], Exception):
                found.append(item)
                size += _bytes(item[1])
        return found

    def _next(self) -> Named | None:
        try:
            return next(self._source, None)
        except Exception as error:  # is raised when the pass comes to it
            self._failure = error
            return None

    def passed(self) -> Iterator[Named]:
        """The pass: what was seen, then all the others."""
        while self._seen:
            yield self._seen.popleft()
        if self._failure is not None:
            raise self._failure
        yield from self._source


def _bytes(example: Any) -> int:
    return sum(np.asarray(leaf).nbytes for leaf in keras.tree.flatten(example))
