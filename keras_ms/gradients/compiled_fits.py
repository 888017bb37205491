"""Whether the losses that `compile` was given go with the model's outputs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_ms.data import MultiscaleDataset
from keras_ms.keras_internals.losses import given_losses, is_of_compiled, losses_are_built
from keras_ms.keras_internals.models import build
from keras_ms.validation import numbers_of


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
            f"`loss_weights` are finite numbers. Received: compile(loss_weights={given!r})."
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
        f"for all. Received: compile(loss={loss!r}, loss_weights={weights!r})"
        f"{outputs} ({reason})."
    )
