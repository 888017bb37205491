"""What the epochs of a run cost, and how many examples they take."""

from __future__ import annotations

from collections.abc import Callable

from keras_ms.levels import Levels, Stage
from keras_ms.training.course import Course


class Spending:
    """Counts work units and examples of epochs, which may change stages.

    Args:
        levels: The levels of the dataset.
        steps: Steps of an epoch.
        course: Which stage each epoch trains.

    Attributes:
        extra: Work units that were spent beside the steps until an epoch began.
    """

    def __init__(self, levels: Levels, steps: int, course: Course) -> None:
        self._levels, self._steps, self._course = levels, steps, course
        self.lead()

    def lead(self, extra: Callable[[int], float] | None = None) -> None:
        """Forgets what was counted, since from now on another schedule leads.

        Args:
            extra: What it spends beside the steps until an epoch begins.
        """
        self._spent = [0.0]  # of the steps before each epoch
        self.extra: Callable[[int], float] = extra or (lambda epoch: 0.0)

    def work_units(self, epoch: int, steps: int) -> float:
        """Work units spent from epoch 0 to step `steps` of `epoch`."""
        return self._before(epoch) + self._cost(epoch, steps) + self.extra(epoch)

    def examples_before(self, epoch: int) -> int:
        """Examples that all steps before an epoch take."""
        sizes = (self._course.stage(earlier).batch_sizes for earlier in range(epoch))
        return self._steps * sum(map(sum, sizes))

    def share(self, epoch: int) -> float | None:
        """Share of the run that is done when an epoch begins; `None` if nobody knows."""
        return self._course.share(epoch, self._before(epoch), self._of_epoch)

    def of_step(self, stage: Stage) -> float:
        """Work units of a step of a stage, the mean over an epoch."""
        return self._of_epoch(stage) / self._steps

    def _before(self, epoch: int) -> float:
        for earlier in range(len(self._spent) - 1, epoch):
            self._spent.append(self._spent[-1] + self._cost(earlier, self._steps))
        return self._spent[epoch]

    def _cost(self, epoch: int, steps: int) -> float:
        return self._levels.steps_work_units(self._course.stage(epoch), steps)

    def _of_epoch(self, stage: Stage) -> float:
        return self._levels.steps_work_units(stage, self._steps)
