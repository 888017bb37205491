"""The callbacks that `fit` adds to the user's: what a run costs, and where they stand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_ms.training.fit_run import FitRun
from keras_ms.training.log_columns import with_columns


def listed(callbacks: Any) -> list[Any]:
    """What `fit` was given as callbacks, one after another."""
    return list(keras.tree.flatten(getattr(callbacks, "callbacks", callbacks) or []))


def arranged(callbacks: Any) -> Any:
    """What `fit` was given as callbacks, with checkpoints behind all others, which they know."""
    found = sorted(listed(callbacks), key=lambda one: getattr(one, "comes_last", False))
    for one in found:
        if getattr(one, "comes_last", False):
            one.beside(found)
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        return found
    callbacks.callbacks[:] = found
    return callbacks


def with_arranged(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a `fit`, whose callbacks are `arranged` if there are any."""
    if not arguments.get("callbacks"):
        return arguments
    return arguments | {"callbacks": arranged(arguments["callbacks"])}


@contextlib.contextmanager
def between(
    model: keras.Model,
    first: list[Any],
    callbacks: Any,
    last: list[Any],
    kept: Callable[[list[Any]], list[Any]] = list,
) -> Iterator[Any]:
    """The user's callbacks between others; a `CallbackList` has its own again afterwards.

    Args:
        model: The model in training.
        first: What comes first, so that the user's callbacks and the progress bar see its logs.
        callbacks: What `fit` was given.
        last: What comes last, when schedules have set the stage and weights are loaded.
        kept: Chooses among the user's. Defaults to all of them.
    """
    before = listed(callbacks)
    now = [*first, *with_columns(kept(before), model), *last]
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        yield now
        return
    for callback in now:
        if callback not in before:
            callback.set_model(model)
    callbacks.callbacks[:] = now
    try:
        yield callbacks
    finally:
        callbacks.callbacks[:] = before


class CostLog(keras.callbacks.Callback):
    """Adds stage and work units so far to the logs of every batch and epoch, and losses by level.

    Keys: `stage` (1 is the coarsest, L has every level active), `resolution` (first side that is
    halved, of its finest mesh, in pixels) and `work_units` (spent since epoch 0, coarse halves
    included). Epochs also have `loss_level_k` of each active level `k`, the mean over their steps
    of the loss of term `k` on its fine side, and what was measured, such as `variance_level_k`.
    """

    async_safe = True  # reads nothing that the training loop writes, so Keras need not wait

    def __init__(self, run: FitRun) -> None:
        super().__init__()
        self._run = run
        self._epoch = self._steps = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tells the run that training starts."""
        self._run.begin()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells the run which epoch starts."""
        self._run.losses.reset()
        self._run.begin_epoch(epoch)
        self._epoch, self._steps = self._run.position

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far."""
        self._steps = self._run.steps_done(batch)
        self._run.position = (self._epoch, self._steps)
        self._add(logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tells the run that validation starts."""
        self._run.validating = True

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Tells the run that validation is over."""
        self._run.validating = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far; an epoch may have been stopped before its end."""
        self._add(logs)
        self._run.position = (epoch + 1, 0)
        if logs is not None:
            logs |= self._run.figures_of(epoch, logs.get("loss"))

    def _add(self, logs: dict[str, Any] | None) -> None:
        if logs is None:
            return
        level = self._run.stage(self._epoch).finest
        logs["stage"] = self._run.dataset.levels.num_levels - level
        axis = self._run.dataset.levels.axes[0]
        logs["resolution"] = self._run.dataset.mesh_sizes[level][axis]
        logs["work_units"] = self._run.spending.work_units(self._epoch, self._steps)


class EndOfBegunEpoch(keras.callbacks.Callback):
    """Ends the epoch that a run goes on within, after the steps that were left of it.

    Keras would take a whole epoch's steps. To be told to stop, and then that it need not, is what
    ends an epoch early, with its validation. Put it last; `GoOn` comes first.

    Args:
        run: The run of the `fit`.

    Attributes:
        ended: Whether it has told Keras to stop.
    """

    def __init__(self, run: FitRun) -> None:
        super().__init__()
        self._run, self.ended = run, False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Ends the epoch, unless another callback ends training."""
        epoch, steps = self._run.position
        left = self._run.dataset.steps_per_epoch - steps
        if self._run.first_step(epoch) and left <= 0 and not self.model.stop_training:
            self.model.stop_training = self.ended = True


class GoOn(keras.callbacks.Callback):
    """Goes on where `EndOfBegunEpoch` has ended an epoch."""

    def __init__(self, end: EndOfBegunEpoch) -> None:
        super().__init__()
        self._end = end

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Lets training go on, before other callbacks may end it."""
        if self._end.ended:
            self.model.stop_training = self._end.ended = False


def going_on(run: FitRun, callbacks: Any) -> tuple[list[Any], list[Any]]:
    """What a `fit` needs that may begin within an epoch: what comes first, and what comes last."""
    kinds = keras.callbacks.BackupAndRestore
    if not any(isinstance(c, kinds) or hasattr(c, "beside") for c in listed(callbacks)):
        return [], []
    end = EndOfBegunEpoch(run)
    return [GoOn(end)], [end]
