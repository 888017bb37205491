"""The iterators of one `fit`, one per stage: what they hold ends with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from keras_ms.levels import Stage


class Lent:
    """An iterator that is taken back when the `fit` it was made for ends.

    Keras keeps iterators in objects that refer to each other. After an interruption, or once
    `stop_training` is set, these stay until Python's collector comes by, if ever; with them would
    stay the threads that prepare batches, and the examples.

    Args:
        iterator: The iterator.
    """

    def __init__(self, iterator: Iterator[Any]) -> None:
        self._iterator: Iterator[Any] | None = iterator

    def __iter__(self) -> Lent:
        return self

    def __next__(self) -> Any:
        return next(self.itself)

    @property
    def itself(self) -> Iterator[Any]:
        """The iterator.

        Raises:
            StopIteration: If it was taken back.
        """
        if self._iterator is None:
            raise StopIteration
        return self._iterator

    def take_back(self) -> None:
        """Ends it."""
        self._iterator = None


def itself(iterator: Any) -> Any:
    """An iterator as TensorFlow takes it, whether it is lent or not."""
    return iterator.itself if isinstance(iterator, Lent) else iterator


class StageIterators:
    """One live iterator per stage: to drop one when the stage changes may take long."""

    def __init__(self) -> None:
        self._there: dict[Stage, tuple[int, Lent]] = {}

    def of(self, stage: Stage, epoch: int, make: Callable[[Stage, int], Iterator[Any]]) -> Lent:
        """The iterator of a stage: that of the epoch before, or a new one.

        Args:
            stage: The stage.
            epoch: The epoch that it is for.
            make: Makes the iterator of a stage from an epoch on.
        """
        last, iterator = self._there.get(stage, (None, None))
        if iterator is None or last not in (epoch, epoch - 1):
            if iterator is not None:
                iterator.take_back()
            iterator = Lent(make(stage, epoch))
        self._there[stage] = epoch, iterator
        return iterator

    def end(self) -> None:
        """Ends all of them, and waits for their threads."""
        for _, iterator in self._there.values():
            iterator.take_back()
        self._there.clear()
