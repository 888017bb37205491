"""The callbacks that `fit` adds to the user's: what a run costs, and where they stand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_ms.training.fit_run import FitRun
from keras_ms.training.log_columns import with_columns


@contextlib.contextmanager
def between(model: keras.Model, first: list[Any], callbacks: Any, last: list[Any]) -> Iterator[Any]:
    """The user's callbacks between others; a `CallbackList` has its own again afterwards.

    Args:
        model: The model in training.
        first: What comes first, so that the user's callbacks and the progress bar see its logs.
        callbacks: What `fit` was given.
        last: What comes last, when schedules have set the stage and weights are loaded.
    """
    before = listed(callbacks)
    now = [*first, *with_columns(before, model), *last]
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


def listed(callbacks: Any) -> list[Any]:
    """Callbacks as a flat list.

    Args:
        callbacks: What `fit` was given: a structure of callbacks, a `CallbackList` or `None`.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return list(callbacks.callbacks)
    return list(keras.tree.flatten(callbacks or []))


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
        self._epoch, self._steps = epoch, 0
        self._run.begin_epoch(epoch)
        self._run.losses.reset()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far."""
        self._steps = self._run.steps_done(batch)
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
        if logs is not None:
            logs |= self._run.figures_of(epoch, logs.get("loss"))

    def _add(self, logs: dict[str, Any] | None) -> None:
        if logs is None:
            return
        level = self._run.stage(self._epoch).finest
        logs["stage"] = self._run.dataset.levels.num_levels - level
        axis = self._run.dataset.levels.axes[0]
        logs["resolution"] = self._run.dataset.mesh_sizes[level][axis]
        logs["work_units"] = self._run.work_units(self._epoch, self._steps)
