"""FullMultiscaleSchedule: solve coarse, hot-start the next finer level."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ms.data.skipped import first_level_outside
from keras_ms.levels import Levels
from keras_ms.training.extent import Extent
from keras_ms.training.shown import ShownStages
from keras_ms.validation import indices_of, positive_integer, shown


class FullMultiscaleSchedule(ShownStages, keras.callbacks.Callback):
    """Full-Multiscale training (Algorithm 2) within one `fit`.

    The first `iterations[-1]` steps train on the coarsest level alone, the next `iterations[-2]`
    on the two coarsest, and so on to the finest. Weights and the optimizer's state carry over.
    The stage is a pure function of the epoch, so training can be stopped and resumed, and a
    learning rate schedule over `total_iterations` runs through all stages.

    Args:
        iterations: Steps of the stage with each finest active level, finest first. Defaults to
            the paper's `(250, 500, 1000, 2000)`. A zero skips a stage. Fewer and fewer steps are
            accepted with a warning, since they look like coarsest first.
        steps_per_epoch: Steps of one epoch, the same as the dataset's; must divide every entry of
            `iterations`. Defaults to their greatest common divisor.
        verbose: Whether to print a line when a stage starts (never if `fit(verbose=0)`).

    Raises:
        ValueError: If `iterations` are not non-negative integers with a positive one among them or
            `steps_per_epoch` does not divide them; when training starts, if they do not match the
            dataset.

    Example:
        >>> schedule = keras_ms.FullMultiscaleSchedule((10, 20, 40), steps_per_epoch=10)
        >>> schedule.epochs, schedule.total_iterations
        (7, 70)
        >>> [schedule.finest_level(epoch) for epoch in range(7)]
        [2, 2, 2, 2, 1, 1, 0]
    """

    knows_stages = True

    def __init__(
        self,
        iterations: Sequence[int] = (250, 500, 1000, 2000),
        steps_per_epoch: int | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__()
        self.iterations = _counts(iterations)
        if steps_per_epoch is None:
            steps_per_epoch = math.gcd(*self.iterations)
        self.steps_per_epoch: int = positive_integer(steps_per_epoch, "steps_per_epoch")
        if any(n % self.steps_per_epoch for n in self.iterations):
            raise ValueError(
                "`steps_per_epoch` must divide the iterations of every stage, since stages change "
                f"between epochs. Received: iterations={self.iterations}, "
                f"steps_per_epoch={steps_per_epoch}. Use {math.gcd(*self.iterations)}, for example."
            )
        self.verbose: bool = verbose
        steps = [n for n in self.iterations if n]
        if len(steps) > 1 and steps == sorted(set(steps), reverse=True):
            warnings.warn(
                "Iterations are read finest first, and coarse stages, where steps are cheap, "
                f"usually have more of them. Received: iterations={self.iterations}. Did you mean "
                f"{self.iterations[::-1]}?",
                stacklevel=first_level_outside(),
            )

    @property
    def total_iterations(self) -> int:
        """Steps of the whole run, for learning rate schedules."""
        return sum(self.iterations)

    @property
    def epochs(self) -> int:
        """What to pass to `fit(epochs=...)`."""
        return self.total_iterations // self.steps_per_epoch

    @property
    def traits(self) -> dict[str, Any]:
        """What must be as it was for a run to go on, by name; `Checkpoint` compares it."""
        return {"FullMultiscaleSchedule.iterations": self.iterations}

    def finest_level(self, epoch: int) -> int:
        """Finest active level of an epoch; epochs past the end stay on the finest stage."""
        coarse_first = reversed(list(enumerate(self.iterations)))
        stages = [(level, n // self.steps_per_epoch) for level, n in coarse_first if n]
        ends = itertools.accumulate(epochs for _, epochs in stages)
        for (level, _), end in zip(stages, ends, strict=True):
            if epoch < end:
                return level
        return stages[-1][0]

    def work_units(self, levels: Levels, telescoping: bool = True) -> float:
        """Cost of the whole run; see `Levels.full_multiscale_work_units`."""
        return levels.full_multiscale_work_units(self.iterations, telescoping)

    def extent_of_run(self, costs: Sequence[float]) -> Extent:
        """What the run is to take, if a step of each stage costs so many work units."""
        return Extent(sum(n * cost for n, cost in zip(self.iterations, costs, strict=False)))

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Checks the schedule against the dataset and takes over the choice of stage."""
        run = getattr(self.model, "fit_run", None)
        if run is None:
            raise ValueError(
                "FullMultiscaleSchedule works in `MultiscaleModel.fit` on a MultiscaleDataset. "
                f"Received: a {type(self.model).__name__} fitted on other data."
            )
        self._check_against(run.dataset)
        run.follow(lambda epoch: run.stage_from(self.finest_level(epoch)))

    def _check_against(self, dataset: Any) -> None:
        if len(self.iterations) != dataset.levels.num_levels:
            raise ValueError(
                "The schedule needs one entry per level, finest first. Received: "
                f"iterations={self.iterations} for {dataset.levels.num_levels} levels "
                f"(batch_sizes={dataset.levels.batch_sizes})."
            )
        if self.steps_per_epoch != dataset.steps_per_epoch:
            raise ValueError(
                "Schedule and dataset must have the same steps_per_epoch. Received: "
                f"{self.steps_per_epoch} in the schedule, {dataset.steps_per_epoch} in the "
                "dataset. Pass the same number to both."
            )
        if (self.params or {}).get("epochs", self.epochs) < self.epochs:
            warnings.warn(
                f"`fit` stops before the schedule ends. Received: epochs={self.params['epochs']}, "
                f"schedule.epochs={self.epochs}. Pass epochs=schedule.epochs.",
                stacklevel=2,
            )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Prints a line when a stage starts."""
        run = self.model.fit_run
        planned = run.course.planned(epoch)  # later than `epoch` once stages have ended early
        level = self.finest_level(planned)
        starts = epoch == 0 or self.finest_level(run.course.planned(epoch - 1)) != level
        if not (starts and self.verbose and (self.params or {}).get("verbose", 1)):
            return
        stage = run.stage_from(level)
        sizes = ", ".join(str(size) for size in stage.batch_sizes)
        mesh = "x".join(str(side) for side in run.dataset.mesh_sizes[stage.finest])
        stands_in = f" in place of {level}" if stage.finest != level else ""
        print(
            f"Stage {len(self.iterations) - level} of {len(self.iterations)}, "
            f"level {stage.finest}{stands_in}: "
            f"{mesh} px, {self.iterations[level]} steps of {run.spending.of_step(stage):g} work "
            f"units, batches of {sizes}"
        )


def _counts(iterations: Any) -> tuple[int, ...]:
    found = indices_of(iterations)
    counts = tuple(n for n in found if n is not None and n >= 0)
    if len(counts) < len(found) or not any(counts):
        raise ValueError(
            "`iterations` holds one count of steps per level, finest first, none negative and "
            f"not all zero. Received: iterations={shown(iterations)}."
        )
    return counts
