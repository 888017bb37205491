"""Whether a model has a loss, and the losses that `compile` was given go with its outputs."""

from __future__ import annotations

import contextlib
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.loss_law import has_own_loss
from keras_ms.keras_internals.losses import given_losses, is_of_compiled, losses_are_built
from keras_ms.keras_internals.models import build
from keras_ms.validation import numbers_of, shown


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
        f"A model learns by its `loss`. Received: compile(loss={shown(given)}), and no layer or "
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


def check_compiled(model: keras.Model, dataset: MultiscaleDataset) -> None:
    """Refuses losses of other outputs than the model has, and weights of them that are none.

    Keras finds the former in the first step, some by a `KeyError`, and trains to NaN by the latter.

    Args:
        model: A compiled model whose steps are Keras's or ours.
        dataset: What it is to train on.

    Raises:
        ValueError: Naming `loss` or `loss_weights`.
    """
    _, given = given_losses(model)
    weights = [weight for weight in keras.tree.flatten(given) if weight is not None]
    if not all(np.all(np.isfinite(numbers_of(weight))) for weight in weights):
        raise ValueError(
            f"`loss_weights` are finite numbers. Received: compile(loss_weights={shown(given)})."
        )
    if not model.built or losses_are_built(model):
        return
    try:
        build(model, dataset.pair_spec(0))
    except Exception as error:  # whatever layers, losses and metrics raise on symbols
        if is_of_compiled(error):
            raise ValueError(_said(model, error)) from error


def _said(model: Any, error: Exception) -> str:
    names = getattr(model, "output_names", None)
    outputs = f", outputs named {list(names)}" if names else ""
    loss, weights = given_losses(model)
    reason = " ".join(str(error.args[0] if error.args else error).split())
    return (
        "`loss`, and `loss_weights` if there are any, have an entry for every output, or are one "
        f"for all. Received: compile(loss={shown(loss)}, loss_weights={shown(weights)})"
        f"{outputs} ({reason})."
    )
