"""One trace for all levels, of plain steps and of terms, instead of one per stage."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.keras_internals.losses import loss_of
from keras_ms.keras_internals.models import all_layers

Spec = Any


def _common_spec(dataset: MultiscaleDataset) -> Spec:
    """Spec of a pair that the batches of every level and size agree with: sides are `None`."""
    specs = [dataset.pair_spec(level) for level in range(dataset.levels.num_levels)]

    def common(*leaves: tf.TensorSpec) -> tf.TensorSpec:
        shape = functools.reduce(
            lambda a, b: a.most_specific_compatible_shape(b), (leaf.shape for leaf in leaves)
        )
        return tf.TensorSpec((None, *shape[1:]), leaves[0].dtype)

    return keras.tree.map_structure(common, *specs)


def plain_spec(model: keras.Model, dataset: MultiscaleDataset) -> Spec | None:
    """Spec under which plain steps of all levels can share a trace, or `None`.

    Tracing a step takes seconds for a deep network, as long as many steps on a coarse level. A
    functional network of Keras's layers and ours does the same whether it knows the sides or not;
    of others, of losses and of metrics it is tried on random numbers of the coarsest mesh (SSIM,
    for example, fits its window to sides that it knows).

    Args:
        model: A compiled model, built with its losses and metrics.
        dataset: What it trains on.
    """
    if not getattr(model, "inputs", None) or not model.compiled:
        return None
    spec, before = _common_spec(dataset), []
    try:
        before = [(variable, variable.numpy()) for variable in model.metrics_variables]
        example = _example(model, dataset.pair_spec(dataset.levels.num_levels - 1))
        known = tf.function(functools.partial(_judged, model))(*example)
        _put_back(before)
        looser = keras.tree.map_structure(_without_sides, example)
        if not _network_agrees(model, example[0], looser[0]):
            return None
        unknown = tf.function(functools.partial(_judged, model), input_signature=looser)(*example)
    except Exception:  # whatever layers, losses and metrics raise where they need the sides
        return None
    finally:
        _put_back(before)
    return spec if _alike(known, unknown) else None


def _example(model: keras.Model, spec: Spec) -> tuple[Any, ...]:
    """Random inputs, targets, predictions and weights of a level."""

    def random(s: Any) -> Any:
        dtype = tf.as_dtype(s.dtype)
        shape = [side or 1 for side in s.shape]
        values = np.random.default_rng(0).random(shape)
        return tf.cast(values if dtype.is_floating else np.round(values), dtype)

    x, y, weight = keras.utils.unpack_x_y_sample_weight(spec)
    symbols = keras.tree.map_structure(lambda s: keras.KerasTensor(s.shape, s.dtype), x)
    parts = (x, y, model.compute_output_spec(symbols), *([] if weight is None else [weight]))
    return tuple(keras.tree.map_structure(random, part) for part in parts)


def _network_agrees(model: keras.Model, x: Any, looser: Any) -> bool:
    """Whether the network does the same where it does not know the sides."""
    if all(_is_familiar(layer) for layer in all_layers(model)):
        return True
    apply = functools.partial(model, training=False)
    known = tf.function(apply)(x)
    unknown = tf.function(apply, input_signature=[looser])(x)
    return _alike(known, unknown)


def _is_familiar(layer: keras.layers.Layer) -> bool:
    package = type(layer).__module__.partition(".")[0]
    return package in ("keras", "keras_ms") and not isinstance(layer, keras.layers.Lambda)


def _alike(some: Any, others: Any) -> bool:
    pairs = zip(tf.nest.flatten(some), tf.nest.flatten(others), strict=True)
    return all(np.allclose(a, b, rtol=1e-4, atol=1e-5, equal_nan=True) for a, b in pairs)


def _put_back(values: list[tuple[Any, Any]]) -> None:
    for variable, value in values:
        variable.assign(value)


def _without_sides(tensor: Any) -> tf.TensorSpec:
    # Channels stay known, as in the data.
    sides = [None] * (len(tensor.shape) - 1)
    return tf.TensorSpec([*sides, *tensor.shape[-1:]] if len(sides) else [None], tensor.dtype)


def loosened(pair: Any, spec: Spec) -> Any:
    """A pair whose static shapes are forgotten where the spec has `None`."""
    return keras.tree.map_structure(
        lambda tensor, s: tf.compat.v1.placeholder_with_default(tensor, s.shape), pair, spec
    )


def _judged(model: keras.Model, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
    loss = loss_of(model, x, y, y_pred, sample_weight)
    return loss, model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
