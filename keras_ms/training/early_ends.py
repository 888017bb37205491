"""Stages that end before their time: what is left of them is not trained. Pure Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


class EarlyEnds:
    """Which epoch of a schedule each epoch of a run is.

    A schedule's stage is a function of the epoch. When a stage ends early, later epochs of the run
    are later ones of the schedule still.

    Args:
        skips: Those of an earlier run that goes on.

    Example:
        >>> ends = EarlyEnds()
        >>> level = [2, 2, 2, 2, 1, 1, 0].__getitem__
        >>> ends.end(1, level, 7)  # two of four epochs on level 2 are enough
        True
        >>> [level(ends.planned(epoch)) for epoch in range(5)]
        [2, 2, 1, 1, 0]
    """

    def __init__(self, skips: Iterable[Sequence[int]] = ()) -> None:
        self._skips = [(int(first), int(skip)) for first, skip in skips]

    @property
    def skips(self) -> list[tuple[int, int]]:
        """From which epochs on how many of the schedule are left out."""
        return list(self._skips)

    @property
    def any(self) -> bool:
        """Whether a stage has ended early."""
        return bool(self._skips)

    def planned(self, epoch: int) -> int:
        """The epoch of the schedule that an epoch of the run is."""
        return epoch + next((skip for first, skip in reversed(self._skips) if first <= epoch), 0)

    def end(self, epoch: int, level: Callable[[int], int], epochs: int) -> bool:
        """Ends the stage of an epoch after it.

        Args:
            epoch: An epoch of the run.
            level: What the schedule trains on in its epochs.
            epochs: How many epochs the schedule has.

        Returns:
            Whether there is another stage.
        """
        here = self.planned(epoch)
        for planned in range(here + 1, epochs):
            if level(planned) != level(here):
                self._skips.append((epoch + 1, planned - epoch - 1))
                return True
        return False
