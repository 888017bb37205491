"""Whether a model has a loss at all."""

from __future__ import annotations

import contextlib

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.loss_law import has_own_loss
from keras_ms.keras_internals.losses import given_losses


def check_has_loss(model: keras.Model, dataset: MultiscaleDataset) -> None:
    """Refuses a model that has nothing to learn by, which Keras finds out in the first step.

    Args:
        model: A compiled model whose steps are Keras's or ours. One that is not built is let
            through.
        dataset: What it is to train on.

    Raises:
        ValueError: If it was compiled without a loss, and neither a layer nor a regularizer of its
            own adds one.
    """
    given, _ = given_losses(model)
    some = any(loss is not None for loss in keras.tree.flatten(given))
    if some or has_own_loss(model) or not model.built or model.losses:
        return
    if _adds_losses(model, dataset):
        return
    raise ValueError(
        f"A model learns by its `loss`. Received: compile(loss={given!r}), and no layer or "
        f"regularizer of {type(model).__name__} that adds one. Pass `loss` to `compile`, "
        "such as loss='mse'."
    )


def _adds_losses(model: keras.Model, dataset: MultiscaleDataset) -> bool:
    """Whether layers add losses when they are called; also if they cannot be called on symbols."""
    inputs, *_ = dataset.pair_spec(0)
    function = tf.function(lambda x: model(x, training=True))
    # Where losses and changes of variables go that nobody wants to have happened.
    with keras.StatelessScope(collect_losses=True) as scope, contextlib.suppress(Exception):
        function.get_concrete_function(inputs)
        return bool(scope.losses)
    return True
