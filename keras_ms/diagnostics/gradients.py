"""The gradient of a model's loss as one flat vector, without touching the model's state."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.keras_internals import build_as_fit_does
from keras_ms.one_trace import common_spec

Tensor = Any


def gradient_function(
    model: keras.Model, dataset: MultiscaleDataset
) -> Callable[[Any], tuple[Tensor, Tensor]]:
    """Returns a function from a batch to the loss and its gradient.

    One trace serves every batch size and, if the network takes any image size, every level.

    Args:
        model: A compiled model; built here, as `fit` would, if it is not.
        dataset: What it trains on.

    Returns:
        A function of `(x, y)` or `(x, y, sample_weight)`, to the mean loss and its gradient with
        respect to all trainable weights, float32 of shape `(parameters,)`.

    Raises:
        ValueError: If the model is not compiled, or has no trainable weights.
    """
    if not getattr(model, "compiled", False):
        raise ValueError(
            "Gradients are those of the compiled loss. Received: a model that is not compiled. "
            "Call model.compile(optimizer, loss) first."
        )
    with model.distribute_strategy.scope():
        build_as_fit_does(model, dataset.pair_spec(0))
    if not model.trainable_variables:
        raise ValueError("The model has no trainable weights. Received: trainable_variables=[].")
    any_size = bool(getattr(model, "inputs", None))  # functional: declared what it takes
    return tf.function(
        functools.partial(_loss_and_gradient, model),
        input_signature=[common_spec(dataset)] if any_size else None,
        jit_compile=bool(model.jit_compile),
    )


def _loss_and_gradient(model: keras.Model, data: Any) -> tuple[Tensor, Tensor]:
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape() as tape:
        made = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=made, sample_weight=sample_weight)
        scaled = model.optimizer.scale_loss(loss)
    weights = [variable.value for variable in model.trainable_variables]
    found = tape.gradient(scaled, weights, unconnected_gradients="zero")
    flat = tf.concat([tf.reshape(tf.cast(g, tf.float32), (-1,)) for g in found], axis=0)
    # Under tf.distribute a loss is a share of the mean over all replicas.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    scale = replicas / model.optimizer.scale_loss(tf.ones(()))
    return tf.cast(loss, tf.float32) * replicas, flat * scale


def run_on_one_replica(model: keras.Model, function: Callable[..., Any], *args: Any) -> Any:
    """Calls a function as every replica would; returns what the first one found."""
    strategy = model.distribute_strategy
    results = strategy.run(function, args)
    return keras.tree.map_structure(
        lambda value: strategy.experimental_local_results(value)[0], results
    )


@contextlib.contextmanager
def keeping_state(model: keras.Model) -> Iterator[None]:
    """Puts back all that evaluating a model changes: statistics, seeds, metrics."""
    variables = [*model.non_trainable_variables, *model.metrics_variables]
    saved = [variable.numpy() for variable in variables]
    try:
        yield
    finally:
        for variable, value in zip(variables, saved, strict=True):
            variable.assign(value)
