"""The callback that says where stages begin, to all that keep a best value or a rate by stage."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ms.keras_internals.fitting import rate_schedule, steps_taken
from keras_ms.training.fit_run import FitRun
from keras_ms.training.unaware import complaint

Logs = dict[str, Any] | None


class StageBell(keras.callbacks.Callback):
    """Tells callbacks and the optimizer's rate of stages; stands behind all that decide on them.

    Callbacks that want to know have `epoch_of_stage(epoch, level, first)`, as `PerStage` has;
    rates `begin_stage(step)`, as `WarmUpPerStage` has. Of those that should know, but do not, it
    warns once, when training starts.

    Args:
        run: The run of the `fit`.
        callbacks: Those that `fit` was given.
    """

    def __init__(self, run: FitRun, callbacks: Sequence[Any]) -> None:
        super().__init__()
        self._run, self._callbacks = run, callbacks
        self._level: int | None = None
        self._first = 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Warns of callbacks that misfire where stages change, and of levels that none trains."""
        self._level = None
        texts = [complaint(callback, self._run.changes) for callback in self._callbacks]
        for text in (*texts, self._idle_levels()):
            if text:
                warnings.warn(text, stacklevel=2)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Says which stage the epoch belongs to, and since when."""
        level = self._run.stage(epoch).finest
        if level != self._level:
            self._level, self._first = level, self._run.course.begin_of_stage(epoch)
            self._tell_rate(epoch)
        for callback in self._callbacks:
            if hasattr(callback, "epoch_of_stage"):
                callback.epoch_of_stage(epoch, level, self._first)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ends a run that is shorter than it was to be, since stages have ended early."""
        if self._run.course.is_over(epoch):
            self.model.stop_training = True

    def _idle_levels(self) -> str:
        """What to do about coarse levels on which nothing trains, empty if there are none."""
        levels = self._run.dataset.levels.num_levels
        idle = levels > 1 and not self._run.course.led and len(self._run.stage(0).batch_sizes) == 1
        return idle * (
            f"All steps are plain ones on level 0: {levels - 1} coarser levels train nothing. "
            f"Received: a dataset of {levels} levels with telescoping=False, and no schedule among "
            "the callbacks. Use callbacks=[keras_ms.FullMultiscaleSchedule(...)], or levels=(N,) "
            "for plain training."
        )

    def _tell_rate(self, epoch: int) -> None:
        rate = rate_schedule(self.model.optimizer)
        if hasattr(rate, "begin_stage"):
            epochs = epoch - self._first
            steps = self._run.dataset.steps_per_epoch
            within = epochs * steps + self._run.first_step(epoch)
            rate.begin_stage(steps_taken(self.model.optimizer) - within)
