"""Which stage each epoch of a run trains, as a schedule has it; and stages that end early."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Sequence

from keras_ms.levels import Stage
from keras_ms.training.early_ends import EarlyEnds

MOST_EPOCHS = 100_000
"""Of which the share that is done is reckoned: it takes to look at each of them once."""


class Course:
    """The stages of a run's epochs: all of one, until a schedule leads it.

    Args:
        stage: The stage of an epoch as long as there is no schedule.

    Attributes:
        led: Whether a schedule leads the run.
        epochs: Epochs that `fit` was asked for.
        finest: The finest stage that the run is to reach, where a schedule cannot say yet what
            later epochs train on; else `None`.
    """

    def __init__(self, stage: Callable[[int], Stage]) -> None:
        self._stage = stage
        self._end: Callable[[int], bool] | None = None
        self._ends = EarlyEnds()
        self._share: Callable[[int], float] | None = None
        self._costs: list[float] = []  # of all epochs of the schedule before each
        self.led, self.epochs = False, 1
        self.finest: Stage | None = None

    def follow(
        self,
        stage: Callable[[int], Stage],
        finest: Stage | None,
        end: Callable[[int], bool] | None,
        share: Callable[[int], float] | None,
    ) -> None:
        """Lets a schedule lead; see `FitRun.follow`.

        Raises:
            ValueError: If another one does already.
        """
        if self.led:
            raise ValueError(
                "One schedule leads a `fit`. Received: two or more of FullMultiscaleSchedule and "
                "AdaptiveSchedule among the callbacks. Take out all but one."
            )
        self.led, self._ends, self._costs = True, EarlyEnds(), []
        self._stage, self.finest, self._end, self._share = stage, finest, end, share

    def settle(self, epochs: int) -> None:
        """Keeps what the schedule says of so many epochs in its place: it is done with."""
        said: list[Stage] = []
        with contextlib.suppress(Exception):  # of a schedule that has not begun
            for epoch in range(epochs):
                said.append(self.stage(epoch))
        self._ends, self._end, self._share = EarlyEnds(), None, None
        if said:
            self._stage = lambda epoch: said[min(epoch, len(said) - 1)]

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch."""
        return self._stage(self.planned(epoch))

    def planned(self, epoch: int) -> int:
        """The epoch of the schedule that an epoch is: a later one once stages have ended early."""
        return self._ends.planned(epoch)

    def begin_of_stage(self, epoch: int) -> int:
        """The first epoch of the stage that an epoch belongs to."""
        level = self.stage(epoch).finest
        while epoch > 0 and self.stage(epoch - 1).finest == level:
            epoch -= 1
        return epoch

    def end_stage(self, epoch: int) -> bool:
        """Has the next stage begin after an epoch; says whether there is one.

        A schedule that decides as it goes does so itself. Of others the rest of the stage is left
        out, and the run is shorter by as much.
        """
        if self._end is not None:
            return self._end(epoch)
        if self.finest is not None:
            return False  # nobody knows where the next one is
        return self._ends.end(epoch, lambda planned: self._stage(planned).finest, self.epochs)

    @property
    def early_ends(self) -> list[tuple[int, int]]:
        """Where stages have ended early, for a run that goes on; see `EarlyEnds.skips`."""
        return self._ends.skips

    @early_ends.setter
    def early_ends(self, skips: Iterable[Sequence[int]]) -> None:
        self._ends = EarlyEnds(skips)

    def is_over(self, epoch: int) -> bool:
        """Whether an epoch is the last one because stages have ended early."""
        return self._ends.any and self.planned(epoch) + 1 >= self.epochs

    def changes(self, first: int = 0) -> bool:
        """Whether epochs from one on train on different levels; `False` if nobody can say."""
        if self.finest is not None:
            return True
        with contextlib.suppress(Exception):  # of a schedule that cannot say yet
            level = self.stage(first).finest
            return any(self.stage(e).finest != level for e in _some_of(range(first, self.epochs)))
        return False

    def is_coarse(self) -> bool:
        """Whether some epoch trains without the finest level, as far as is known."""
        if self.finest is not None:
            return True
        with contextlib.suppress(Exception):  # of a schedule that cannot say yet
            return any(self.stage(epoch).finest for epoch in _some_of(range(self.epochs)))
        return False

    def finest_ahead(self, epochs: range) -> Stage | None:
        """The finest stage of some epochs, if the first of them has a coarser one."""
        if self.finest is not None:
            return self.finest
        first = finest = None
        with contextlib.suppress(Exception):  # of a schedule that cannot say yet
            first = finest = self.stage(epochs[0])
            for stage in map(self.stage, _some_of(epochs)):
                finest = min(finest, stage, key=lambda s: s.finest)
                if finest.finest == 0:
                    break
        return finest if first and finest and finest.finest < first.finest else None

    def share(self, epoch: int, done: float, cost: Callable[[Stage], float]) -> float | None:
        """Share of the run that is done when an epoch begins; `None` if nobody knows.

        Args:
            epoch: The epoch.
            done: Cost of all steps before.
            cost: What an epoch of a stage costs.
        """
        if self._share is not None:
            return self._share(epoch)
        if self.finest is not None or self.epochs > MOST_EPOCHS:
            return None
        if len(self._costs) != self.epochs + 1:
            costs = (cost(self._stage(planned)) for planned in range(self.epochs))
            self._costs = list(itertools.accumulate(costs, initial=0.0))
        ahead = self._costs[-1] - self._costs[min(self.planned(epoch), self.epochs)]
        return done / (done + ahead) if done + ahead > 0.0 else 1.0


def _some_of(epochs: range) -> Iterable[int]:
    """All epochs, or of a run that only a callback ends the first ones and the last."""
    more = bool(epochs[MOST_EPOCHS:])  # the length of a range may be no index
    return (*epochs[:MOST_EPOCHS], epochs[-1]) if more else epochs
