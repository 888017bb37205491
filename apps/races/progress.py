"""How far a list of runs is, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Sequence

from keras_ms.training.progress import duration


class Progress:
    """Counts runs by their training time; what goes with it is measured.

    Args:
        budgets: Seconds of training of every run to come.
    """

    def __init__(self, budgets: Sequence[float]) -> None:
        self._count, self._left = len(budgets), sum(budgets)
        self._done, self._budget, self._wall = 0, 0.0, 0.0

    def found(self, budget: float) -> None:
        """A run was on file."""
        self._done, self._left = self._done + 1, self._left - budget

    def made(self, budget: float, wall: float) -> None:
        """A run was made, in `wall` seconds altogether."""
        self.found(budget)
        self._budget, self._wall = self._budget + budget, self._wall + wall

    @property
    def seconds_left(self) -> float:
        """Seconds that the runs to come will take if they are like those made."""
        return max(0.0, self._left) * (self._wall / self._budget if self._budget else 1.0)

    def __str__(self) -> str:
        done = f"{self._done} of {max(self._count, self._done)} runs"
        return f"{done}, about {duration(self.seconds_left)} left"
