"""Statistics of BatchNormalization, estimated anew on images of the finest mesh."""

from __future__ import annotations

import collections
import itertools
from typing import Any

import keras
import numpy as np

from keras_ms.data import MultiscaleDataset
from keras_ms.data.own_errors import batches_of
from keras_ms.gradients.moving_statistics import keeping_statistics
from keras_ms.validation import positive_integer, true_or_false

STEPS = 16

Logs = dict[str, Any] | None


def refresh_statistics(model: keras.Model, dataset: MultiscaleDataset, steps: int = STEPS) -> int:
    """Sets moving statistics to the mean of those of fine batches, for the present weights.

    Only `moving_mean` and `moving_variance` of layers that update them in training change: those
    of frozen layers stay, and so do weights, seeds and all other states.

    Args:
        model: A built model.
        dataset: Its plain batches of level 0 are taken, always the same ones.
        steps: How many batches. Defaults to 16.

    Returns:
        The number of layers whose statistics were set; 0 if there are none.

    Raises:
        ValueError: If `steps` is no positive integer, or the data no `MultiscaleDataset`.

    Example:
        >>> model = keras_ms.MultiscaleModel.from_model(keras.Sequential([
        ...     keras.Input((None, None, 3)), keras.layers.BatchNormalization()]))
        >>> dataset = keras_ms.MultiscaleDataset(
        ...     keras_ms.data.photos("train"), keras_ms.tasks.Denoising(), (2, 4), 32)
        >>> keras_ms.refresh_statistics(model, dataset, steps=2)
        1
    """
    positive_integer(steps, "steps")
    if not isinstance(model, keras.Model):
        raise ValueError(f"A keras.Model is needed. Received: {type(model).__name__}.")
    if not isinstance(dataset, MultiscaleDataset):
        raise ValueError(f"A MultiscaleDataset is needed. Received: {type(dataset).__name__}.")
    layers = keeping_statistics(model)
    if not layers:
        return 0
    sums: dict[int, Any] = {}
    shares: dict[int, float] = {}
    with model.distribute_strategy.scope():
        plain = dataset.levels.batch_sizes[:1]
        for batch in itertools.islice(batches_of(dataset, 0, 0, plain), steps):
            x = keras.utils.unpack_x_y_sample_weight(batch.fine[0])[0]
            shares = shares or _shares(model, x, layers)
            for variable, value in _of_batch(model, x, layers, shares):
                sums[id(variable)] = sums.get(id(variable), 0.0) + value
        for variable in _variables(layers, shares):
            variable.assign(sums[id(variable)] / steps)
    if hasattr(model, "steps_since_coarse"):
        model.steps_since_coarse = None
    return sum(id(layer.moving_mean) in shares for layer in layers)


class RefreshStatistics(keras.callbacks.Callback):
    """Refreshes the statistics of BatchNormalization before validation and at ends of stages.

    What is validated and saved then has statistics of the finest mesh for its weights, whatever
    the stage trains on. Training itself does not use them, so weights are the same with and
    without. Like validation, it is not counted in the logged `work_units`; it costs the forward
    passes of `steps` plain batches of level 0.

    Args:
        steps: How many batches of level 0 are taken each time, always the same ones.
        every_epoch: Whether also at the end of every epoch: for callbacks behind it that save
            models of epochs without validation. Defaults to `False`.

    Raises:
        ValueError: If `steps` is no positive integer, or `every_epoch` neither true nor false;
            when training starts, if the data is no `MultiscaleDataset`.

    Example:
        >>> schedule = keras_ms.FullMultiscaleSchedule((10, 20, 40))
        >>> callbacks = [schedule, keras_ms.RefreshStatistics(steps=8)]  # of `fit`
    """

    knows_stages = several_steps_safe = True

    def __init__(self, steps: int = STEPS, every_epoch: bool = False) -> None:
        super().__init__()
        true_or_false(every_epoch=every_epoch)
        self.steps, self.every_epoch = positive_integer(steps, "steps"), every_epoch
        self._stale = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Checks that there are fine batches."""
        if getattr(self.model, "fit_run", None) is None:
            raise ValueError(
                "RefreshStatistics works in `MultiscaleModel.fit` on a MultiscaleDataset. "
                f"Received: a {type(self.model).__name__} fitted on other data."
            )
        self._stale = False

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Notes that there are new weights."""
        self._stale = True

    def on_test_begin(self, logs: Logs = None) -> None:
        """Refreshes before validation."""
        self._refresh()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Refreshes where a stage is known to end, or everywhere."""
        run: Any = self.model.fit_run
        if self.every_epoch or run.stage(epoch) != run.stage(epoch + 1):
            self._refresh()

    def on_train_end(self, logs: Logs = None) -> None:
        """Refreshes at the end."""
        self._refresh()

    def get_state(self) -> dict[str, bool]:
        """What a checkpoint keeps of it."""
        return {"stale": self._stale}

    def set_state(self, state: dict[str, bool]) -> None:
        """Takes back what `get_state` returned."""
        self._stale = state["stale"]

    def _refresh(self) -> None:
        if self._stale:
            refresh_statistics(self.model, self.model.fit_run.dataset, self.steps)
        self._stale = False


def refreshes(callbacks: Any) -> bool:
    """Whether a `RefreshStatistics` is among what `fit` was given as callbacks."""
    listed = getattr(callbacks, "callbacks", callbacks)
    return any(isinstance(c, RefreshStatistics) for c in keras.tree.flatten(listed or []))


class _Counting(keras.StatelessScope):
    """Counts how often variables are set, without setting them."""

    def __init__(self) -> None:
        super().__init__(initialize_variables=False)
        self.counts: dict[int, int] = collections.Counter()

    def add_update(self, update: tuple[keras.Variable, Any]) -> None:
        self.counts[id(update[0])] += 1
        super().add_update(update)


def _shares(model: keras.Model, x: Any, layers: list[Any]) -> dict[int, float]:
    """How much of a statistic's new value is of the batch, by variables that training moves.

    A layer that is called twice moves twice. One that is called as in inference does not move.
    """
    with _Counting() as scope:
        model(x, training=True)
    return {
        id(variable): 1.0 - layer.momentum ** scope.counts[id(variable)]
        for layer in layers
        for variable in (layer.moving_mean, layer.moving_variance)
        if scope.counts[id(variable)]
    }


def _of_batch(
    model: keras.Model, x: Any, layers: list[Any], shares: dict[int, float]
) -> list[tuple[keras.Variable, np.ndarray]]:
    """Statistics of a batch, exactly: what moves from zero is its share of them."""
    moved = _variables(layers, shares)
    zeros = [(variable, keras.ops.zeros(variable.shape, variable.dtype)) for variable in moved]
    with keras.StatelessScope(zeros, initialize_variables=False) as scope:
        model(x, training=True)
    return [(v, np.asarray(scope.get_current_value(v), np.float64) / shares[id(v)]) for v in moved]


def _variables(layers: list[Any], shares: dict[int, float]) -> list[keras.Variable]:
    found = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
    return [variable for variable in found if id(variable) in shares]
