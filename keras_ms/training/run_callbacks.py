"""The callbacks that `fit` adds to the user's: what a run costs, and where they stand."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_ms.training.fit_run import FitRun


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
    if not isinstance(callbacks, keras.callbacks.CallbackList):
        yield [*first, *kept(keras.tree.flatten(callbacks or [])), *last]
        return
    for callback in (*first, *last):
        callback.set_model(model)
    before = list(callbacks.callbacks)
    callbacks.callbacks[:] = [*first, *kept(before), *last]
    try:
        yield callbacks
    finally:
        callbacks.callbacks[:] = before


class CostLog(keras.callbacks.Callback):
    """Adds the stage and the work units so far to the logs of every batch and epoch.

    Keys: `stage` (1 is the coarsest, L has every level active), `resolution` (first side that is
    halved, of its finest mesh, in pixels) and `work_units` (spent since epoch 0, coarse halves
    included).
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

    def _add(self, logs: dict[str, Any] | None) -> None:
        if logs is None:
            return
        level = self._run.stage(self._epoch).finest
        logs["stage"] = self._run.dataset.levels.num_levels - level
        axis = self._run.dataset.levels.axes[0]
        logs["resolution"] = self._run.dataset.mesh_sizes[level][axis]
        logs["work_units"] = self._run.work_units(self._epoch, self._steps)
