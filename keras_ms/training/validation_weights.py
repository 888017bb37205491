"""Gives weights of whole examples of `validation_data` the axes that training gives them.

Else TensorFlow fails after the first epoch, or weighs columns of images.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.examples import PARTS, leaf_names
from keras_ms.data.roles import Leaf
from keras_ms.gradients.losses_of_targets import outputs_by_name
from keras_ms.gradients.weight_axes import lacking_axes
from keras_ms.keras_internals.graphs import checked_output_spec


def with_axes(model: Any, data: Any) -> Any:
    """The same data, in which weights of whole examples meet the values of the losses.

    Args:
        model: A compiled model.
        data: What `fit` was given as `validation_data`: arrays `(x, y, sample_weight)`, or a
            `tf.data.Dataset` of batches of these. Anything else stays as it is.

    Raises:
        ValueError: If one weight is of several targets whose losses differ in their axes.
    """
    of_dataset = isinstance(data, tf.data.Dataset)
    parts = data.element_spec if of_dataset else data
    if not isinstance(parts, tuple | list) or len(parts) != len(PARTS) or not _have_shapes(parts):
        return data
    leaves = [
        Leaf(name, "weight" if name.partition("/")[0] == PARTS[2] else "", "", shape, dtype)
        for name, shape, dtype in zip(leaf_names(parts), *_shapes_and_types(parts), strict=True)
    ]
    lacking = lacking_axes(model, leaves, _outputs(model, parts, leaves))
    if not any(lacking.values()):
        return data
    axes = [lacking.get(leaf.name, 0) for leaf in leaves if leaf.role == "weight"]

    def arranged(x: Any, y: Any, weights: Any) -> tuple[Any, Any, Any]:
        flat = zip(keras.tree.flatten(weights), axes, strict=True)
        wide = [weight[(..., *(np.newaxis,) * more)] for weight, more in flat]
        return x, y, keras.tree.pack_sequence_as(weights, wide)

    return data.map(arranged) if of_dataset else arranged(*data)


def _have_shapes(parts: Any) -> bool:
    """Whether all leaves are tensors, or specs of them, of known numbers of axes."""
    leaves = keras.tree.flatten(tuple(parts))
    if not all(hasattr(leaf, "shape") and hasattr(leaf, "dtype") for leaf in leaves):
        return False
    return all(tf.TensorShape(leaf.shape).rank for leaf in leaves)


def _shapes_and_types(parts: Any) -> tuple[list[Any], list[Any]]:
    """Shapes without the batch axis and types, leaf by leaf."""
    leaves = keras.tree.flatten(tuple(parts))
    types = [tf.as_dtype(keras.backend.standardize_dtype(leaf.dtype)) for leaf in leaves]
    return [tuple(leaf.shape)[1:] for leaf in leaves], types


def _outputs(model: Any, parts: Any, leaves: list[Leaf]) -> dict[str, Any]:
    """What the model returns by name of target: symbols; empty where that cannot be told."""
    x = keras.tree.map_structure(
        lambda t: keras.KerasTensor(
            (None, *tuple(t.shape)[1:]), keras.backend.standardize_dtype(t.dtype)
        ),
        parts[0],
    )
    try:
        made = checked_output_spec(model, x)
    except Exception:  # whatever layers raise; Keras says that validation data do not fit
        return {}
    return outputs_by_name(model, [leaf.name for leaf in leaves], keras.tree.flatten(made))
