"""What Keras keeps private of losses: those of `compile`, how a step takes them, and masks."""

from __future__ import annotations

import contextlib
import functools
import inspect
import traceback
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src import backend
from keras.src.trainers import compile_utils


def compiled_losses(model: Any) -> list[Any]:
    """Losses that `compile` was given and that Keras has made objects of, with their outputs.

    Returns:
        Entries with the attributes `loss` and `name`, that of the output; empty if there is no
        loss, or it is not built yet.
    """
    return list(getattr(getattr(model, "_compile_loss", None), "_flat_losses", None) or ())


def losses_are_built(model: Any) -> bool:
    """Whether every loss that `compile` was given is an object by now."""
    compiled = getattr(model, "_compile_loss", None)
    return compiled is None or bool(compiled.built)


def given_losses(model: Any) -> tuple[Any, Any]:
    """Losses and their weights as `compile` was given them; `None` for what it was not."""
    compiled = getattr(model, "_compile_loss", None)
    return getattr(compiled, "_user_loss", None), getattr(compiled, "_user_loss_weights", None)


def is_of_compiled(error: BaseException) -> bool:
    """Whether Keras raised an error on comparing what `compile` was given with the outputs."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename == compile_utils.__file__


def build_losses(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> None:
    """Makes objects of the losses that `compile` was given, on symbols of these tensors' shapes."""

    def symbol(tensor: Any) -> Any:
        return keras.KerasTensor(tensor.shape, keras.backend.standardize_dtype(tensor.dtype))

    symbols = keras.tree.map_structure(symbol, (x, y, y_pred))
    weight = None if sample_weight is None else keras.tree.map_structure(symbol, sample_weight)
    with model.distribute_strategy.scope():
        backend.compute_output_spec(functools.partial(loss_of, model), *symbols, weight)


def loss_of(model: Any, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
    """The loss of a batch, as Keras's own step of training takes it of any `compute_loss`.

    Keras gives the arguments by position, under whatever names they have, and says `training` where
    it is asked for. One that takes names alone gets them.

    Args:
        model: A compiled model.
        x: Inputs.
        y: Targets.
        y_pred: Predictions.
        sample_weight: Weights, or `None`.
    """
    given: dict[str, Any] = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
    signature = inspect.signature(model.compute_loss)
    said = {"training": True} if "training" in signature.parameters else {}
    try:
        signature.bind(*given.values(), **said)
    except TypeError:
        return model.compute_loss(**given, **said)
    return model.compute_loss(*given.values(), **said)


@contextlib.contextmanager
def recording_losses(model: Any) -> Iterator[list[tuple[Any, Any]]]:
    """Within it, a model's loss notes what each compiled loss came to.

    Yields:
        A list that grows by `(entry, value)`, an entry as of `compiled_losses`.
    """
    entries, noted = compiled_losses(model), []

    def noting(entry: Any) -> Any:
        def call(*args: Any) -> Any:
            value = entry.loss(*args)
            noted.append((entry, value))
            return value

        return entry._replace(loss=call)

    if entries:
        model._compile_loss._flat_losses = [noting(entry) for entry in entries]
    try:
        yield noted
    finally:
        if entries:
            model._compile_loss._flat_losses = entries


def track_loss(model: Any, loss: Any, batch_size: Any) -> None:
    """Updates the model's `loss` metric, as Keras's own `train_step` does."""
    # Under tf.distribute a loss is a share of the mean over all replicas.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    model._loss_tracker.update_state(loss * replicas, sample_weight=batch_size)


def mask_of(tensor: Any) -> Any:
    """The mask that layers have put on a tensor, or `None`."""
    return backend.get_keras_mask(tensor)


def with_mask(tensor: Any, mask: Any) -> Any:
    """The tensor, with a mask unless that is `None`."""
    if mask is not None:
        backend.set_keras_mask(tensor, mask)
    return tensor
