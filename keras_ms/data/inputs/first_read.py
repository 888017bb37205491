"""The first example of a source, looked at without losing it or reading it twice."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

from keras_ms.data.looking_ahead import LookingAhead, Named
from keras_ms.data.typical import most_alike, signature
from keras_ms.validation import no_examples

LOOKED_AT = 8
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
            raise no_examples("source")
        name, error = seen[0]
        raise ValueError(
            f"The first {len(seen)} examples cannot be read. Received: example {name}: {error}"
        ) from error

    def typical(self) -> Any:
        """Of the first examples, the first one that has structure, types and axes as most.

        Raises:
            ValueError: If none can be read.
        """
        self.first()
        assert self._begun is not None
        ahead = LookingAhead(self._begun)
        examples = [example for _, example in ahead.some(LOOKED_AT)]
        self._begun = ahead.passed()
        return most_alike(examples, key=signature)

    def passes(self) -> Iterator[Named]:
        """Begins a pass."""
        with self._lock:
            begun, self._begun = self._begun, None
        return self._begin() if begun is None else begun
