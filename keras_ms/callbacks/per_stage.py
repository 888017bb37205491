"""PerStage: a callback that starts anew where a stage begins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras

from keras_ms.callbacks.restarts import Restart, checked
from keras_ms.training.pace import looks_at_steps
from keras_ms.training.run_state import state_given_back, state_of

Logs = dict[str, Any] | None

_OF_STEPS = ("on_train_batch_begin", "on_train_batch_end")
_OF_TESTS = ("on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end")


class PerStage(keras.callbacks.Callback):
    """A callback that keeps a best value, waits or sets a rate: it starts anew with every stage.

    Losses of different meshes cannot be compared, and a plateau on a coarse level says nothing
    about the finer one. So best values, patience and plateaus belong to a stage. For the callback
    within, every stage is like a `fit` of its own, but that

    - what stops the training (`EarlyStopping`) ends the stage, and on the last one the run. Steps
      that a `FullMultiscaleSchedule` had planned for the stage are left out, and an
      `AdaptiveSchedule` goes on to the next finer level;
    - a learning rate that the callback has lowered (`ReduceLROnPlateau`) is put back to what it
      was before;
    - `LearningRateScheduler` counts epochs from the beginning of the stage, and so does
      `start_from_epoch`. Names of files count them from the beginning of the run;
    - checkpoints forget their best value and nothing else. The file of `save_best_only` ends with
      the best of the last stage.

    Without stages, or on other data than a `MultiscaleDataset`, it is the callback itself. A run
    that `keras_ms.callbacks.Checkpoint` resumes knows which stages had ended early. One that
    `BackupAndRestore` resumes does not: they are as long as planned.

    Args:
        callback: A Keras callback, one's own or Keras's. Its state is what it was when training
            began, whenever a stage begins.

    Raises:
        ValueError: If it is no callback, or one that is right as it is (`BackupAndRestore`,
            `CSVLogger`, schedules of stages ...).

    Example:
        >>> stop = keras_ms.callbacks.PerStage(keras.callbacks.EarlyStopping("loss", patience=3))
        >>> schedule = keras_ms.FullMultiscaleSchedule((10, 20, 40))
        >>> callbacks = [schedule, stop]  # of `fit`
    """

    knows_stages = True

    def __init__(self, callback: keras.callbacks.Callback) -> None:
        super().__init__()
        self.callback = checked(callback)
        self.several_steps_safe = not looks_at_steps(callback)
        self.async_safe = bool(getattr(callback, "async_safe", False))
        self._restart = Restart(callback)
        self._run: Any = None
        self._level: int | None = None
        self._epoch = self._first = 0
        base = keras.callbacks.Callback
        for hook in (*_OF_STEPS, *_OF_TESTS):
            names = (hook, hook.replace("train_", "")) if hook in _OF_STEPS else (hook,)
            if any(_overridden(callback, name, base) for name in names):
                # On the instance, since Keras asks which hooks there are.
                setattr(self, hook, functools.partial(self._guarded, getattr(callback, hook)))

    def set_model(self, model: keras.Model) -> None:
        """Sets the model of both."""
        super().set_model(model)
        self.callback.set_model(model)

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets the parameters of both."""
        super().set_params(params)
        self.callback.set_params(params)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the callback, and notes its state."""
        self._run, self._level = getattr(self.model, "fit_run", None), None
        self._epoch = self._first = 0
        self.callback.on_train_begin(logs)
        self._restart.begin()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Begins an epoch; in a run of stages not yet, since its stage may not be decided."""
        self._epoch = epoch
        if self._run is None:
            self._restart.watching(self.callback.on_epoch_begin, epoch, logs)

    def epoch_of_stage(self, epoch: int, level: int, first: int) -> None:
        """Begins an epoch of a stage, which `fit` calls; the first of a stage starts anew.

        Args:
            epoch: The epoch.
            level: The stage's finest level.
            first: The stage's first epoch.
        """
        if self._level is not None and level != self._level:
            self._restart.again()
        self._level, self._first = level, first
        self._restart.count_from(first)
        self._guarded(
            self._restart.watching, self.callback.on_epoch_begin, self._counted(epoch), None
        )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ends an epoch."""
        self._guarded(
            self._restart.watching, self.callback.on_epoch_end, self._counted(epoch), logs
        )

    def on_train_end(self, logs: Logs = None) -> None:
        """Ends the callback."""
        self.callback.on_train_end(logs)
        self._restart.end()
        self._run = None

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, with what is known of the callback within."""
        return {
            "level": self._level,
            "first": self._first,
            "rates": self._restart.get_rates(),
            "callback": state_of(self.callback),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes back what `get_state` returned, within a `fit` that has begun."""
        self._level, self._first = state["level"], state["first"]
        self._restart.set_rates(state["rates"])
        if state["callback"] is not None:
            state_given_back(self.callback, state["callback"])

    def _counted(self, epoch: int) -> int:
        by_stage = isinstance(self.callback, keras.callbacks.LearningRateScheduler)
        return epoch - self._first if by_stage else epoch

    def _guarded(self, hook: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        """Calls a hook; what stops the training there ends the stage if there is another one."""
        stopped = getattr(self.model, "stop_training", False)
        hook(*args, **kwargs)
        asked = not stopped and getattr(self.model, "stop_training", False)
        if asked and self._run is not None and self._run.course.end_stage(self._epoch):
            self.model.stop_training = False


def _overridden(callback: Any, hook: str, base: type) -> bool:
    found = getattr(callback, hook, None)
    return getattr(found, "__func__", found) is not getattr(base, hook)
