"""One trace for the plain steps of every level, instead of one per stage."""

from __future__ import annotations

import functools
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.keras_internals import build_as_fit_does

Spec = Any


def common_spec(dataset: MultiscaleDataset) -> Spec:
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
    functional network has said that it takes any size; of losses and metrics it is tried.

    Args:
        model: A compiled model.
        dataset: What it trains on.
    """
    if dataset.levels.num_levels == 1 or not getattr(model, "inputs", None) or not model.compiled:
        return None
    spec = common_spec(dataset)
    try:
        build_as_fit_does(model, dataset.pair_spec(0))
        x, y, weight = keras.utils.unpack_x_y_sample_weight(spec)
        symbols = keras.tree.map_structure(lambda s: keras.KerasTensor(s.shape, s.dtype), x)
        made = keras.tree.map_structure(
            lambda s: tf.TensorSpec(s.shape, s.dtype), model.compute_output_spec(symbols)
        )
        tf.function(functools.partial(_judged, model)).get_concrete_function(x, y, made, weight)
    except Exception:  # whatever losses and metrics raise where they need to know the sides
        return None
    return spec


def loosened(pair: Any, spec: Spec) -> Any:
    """A pair whose static shapes are forgotten where the spec has `None`."""
    return keras.tree.map_structure(
        lambda tensor, s: tf.compat.v1.placeholder_with_default(tensor, s.shape), pair, spec
    )


def _judged(model: keras.Model, x: Any, y: Any, y_pred: Any, sample_weight: Any) -> Any:
    loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
    return loss, model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
