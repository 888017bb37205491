"""The gradient of a model's loss as one flat vector, without touching the model's state."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.chunks import loops_run, loss_in_chunks
from keras_ms.gradients.traces import plain_spec
from keras_ms.keras_internals.models import build

Tensor = Any
_SHARE = 1.0 / 16.0
"""Of a loss: a sample alone counts as much as in a batch of 16, for which loss scales are made."""


def gradient_function(
    model: keras.Model, dataset: MultiscaleDataset, chunk: int | None = None
) -> Callable[[Any], tuple[Tensor, Tensor]]:
    """Returns a function from a batch to the loss and its gradient.

    One trace serves every batch size and level, if network, losses and metrics allow it.

    Args:
        model: A compiled model; built here, as `fit` would, if it is not.
        dataset: What it trains on.
        chunk: Samples whose loss is taken together; `None` for all of a batch at once.

    Returns:
        A function of `(x, y)` or `(x, y, sample_weight)`, to the mean loss and its gradient with
        respect to all trainable weights, float32 of shape `(parameters,)`.

    Raises:
        ValueError: If the model is not compiled, or has no trainable weights.
    """
    build_for_gradients(model, dataset)
    spec = plain_spec(model, dataset) if loops_run(model, chunk) else None
    return tf.function(
        functools.partial(_loss_and_gradient, model, chunk),
        input_signature=None if spec is None else [spec],
        jit_compile=bool(model.jit_compile),
    )


def build_for_gradients(model: keras.Model, dataset: MultiscaleDataset) -> None:
    """Builds a model as `fit` would, if it is not built.

    Raises:
        ValueError: If the model is not compiled, or has no trainable weights.
    """
    if not getattr(model, "compiled", False):
        raise ValueError(
            "Gradients are those of the compiled loss. Received: a model that is not compiled. "
            "Call model.compile(optimizer, loss) first."
        )
    build(model, dataset.pair_spec(0))
    if not model.trainable_variables:
        raise ValueError("The model has no trainable weights. Received: trainable_variables=[].")


def _loss_and_gradient(model: keras.Model, chunk: int | None, data: Any) -> tuple[Tensor, Tensor]:
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape() as tape:
        made = model(x, training=True)
        loss = loss_in_chunks(model, (x, y, sample_weight), made, chunk)
        scaled = model.optimizer.scale_loss(loss * _SHARE)
    weights = [variable.value for variable in model.trainable_variables]
    found = tape.gradient(scaled, weights, unconnected_gradients="zero")
    flat = tf.concat([tf.reshape(tf.cast(g, tf.float32), (-1,)) for g in found], axis=0)
    # Under tf.distribute a loss is a share of the mean over all replicas.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    scale = replicas / model.optimizer.scale_loss(tf.ones(()) * _SHARE)
    return tf.cast(loss, tf.float32) * replicas, flat * scale


def run_on_one_replica(model: keras.Model, function: Callable[..., Any], *args: Any) -> Any:
    """Calls a function as every replica would; returns what the first one found."""
    strategy = model.distribute_strategy
    results = strategy.run(function, args)
    return keras.tree.map_structure(
        lambda value: strategy.experimental_local_results(value)[0], results
    )


class Aside:
    """Context in which a model is evaluated aside of its training, entered as often as needed.

    What evaluating changes (seeds, statistics, metrics) is put back on leaving, and taken up again
    on the next entry unless the model was trained in between: so the dropout masks of one time
    are not those of another, yet follow from the state of the model.

    Args:
        model: The model.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._training: list[Any] = []
        self._before: list[Any] = []
        self._aside: list[Any] = []

    def __enter__(self) -> Aside:
        self._training = [variable.numpy() for variable in self._variables()]
        if _equal(self._training, self._before):
            self._assign(self._aside)
        return self

    def __exit__(self, *error: object) -> None:
        self._aside = [variable.numpy() for variable in self._variables()]
        self._before = self._training
        self._assign(self._training)

    def _variables(self) -> list[Any]:
        return [*self._model.non_trainable_variables, *self._model.metrics_variables]

    def _assign(self, values: list[Any]) -> None:
        for variable, value in zip(self._variables(), values, strict=True):
            variable.assign(value)


def _equal(first: list[Any], second: list[Any]) -> bool:
    same = zip(first, second, strict=False)
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in same)
