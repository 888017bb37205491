"""Floating targets that hold whole numbers alone: classes, or values? A trial of their loss tells.

A loss that casts its target, or compares it with numbers of classes, makes nothing, or a leap, of
what lies between two whole numbers. One of values goes from one to the other step by step.
"""

from __future__ import annotations

import warnings
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.roles import OF_FLOATS, Leaf
from keras_ms.data.skipped import first_level_outside
from keras_ms.data.values import Values

MOST_CLASSES = 64
"""Values in one map from which on integers may be an image as well."""
_SIDE = 64
_GREATEST = 4095
"""Greatest class: beyond, single precision does not tell a small change of a loss from none."""
_LITTLE, _MUCH = 2.0**-10, 2.0**-2
_LEAP = 0.25
"""Part of the change that a loss makes over much which it has made over little: classes."""
_ROUNDING = 1e-6


def of_whole_numbers(
    pairs: PairBatches, leaf: Leaf, loss: Any, outputs: int | None
) -> tuple[str, str] | None:
    """Role and reason of a target whose type alone says that it is an image.

    Args:
        pairs: The examples.
        leaf: The target.
        loss: Its loss; `None` if the model has one of its own.
        outputs: Last side of the network's output; `None` if it is not known.

    Returns:
        That it is a class map, if so, else `None`.

    Warns:
        UserWarning: If it may be a class map, and the loss does not say.
    """
    several = leaf.channels and leaf.shape[-1] != 1
    if leaf.reason != OF_FLOATS or several or leaf.name in pairs.examples.ranges:
        return None
    values = pairs.evidence.values[leaf.name]
    if not values.whole:
        return None
    classes = (
        None if loss is None else takes_classes(loss, pairs.evidence.sample(leaf.name), outputs)
    )
    if classes:
        return "class_map", "whole numbers, which its loss takes for classes"
    if classes is None:
        _warn_of_few(leaf, values)
    return None


def check_whole(leaf: Leaf, values: Values) -> None:
    """Refuses other numbers, met later, in what was taken for a map of classes.

    Raises:
        ValueError: If there are some.
    """
    if not values.whole:
        raise ValueError(
            "A target held whole numbers alone, which its loss takes for classes. Received: "
            f"{leaf.name} of {leaf.dtype.name} with other numbers in example {values.fraction_in}, "
            f"from {values.low:g} to {values.high:g}. Say what it is: roles={{'{leaf.name}': "
            "'image'}, or 'class_map'."
        )


def takes_classes(loss: Any, values: np.ndarray, outputs: int | None) -> bool | None:
    """Whether a loss takes whole numbers for classes; `None` if a trial does not tell.

    Args:
        loss: The loss, as `compile` takes it.
        values: A target, whole numbers: `(*sides)` or `(*sides, 1)`.
        outputs: Last side of the network's output; `None` if it is not known.

    Example:
        >>> import keras, numpy as np
        >>> takes_classes("sparse_categorical_crossentropy", np.ones((4, 4)), 3)
        True
        >>> takes_classes(lambda y, p: keras.ops.mean((y - p) ** 2), np.ones((4, 4, 1)), 1)
        False
    """
    y = np.asarray(values, np.float32)[np.newaxis]
    y = y[(slice(None), *(slice(None, None, -(-side // _SIDE)) for side in values.shape))]
    if np.max(np.abs(y), initial=0.0) > _GREATEST:
        return False
    try:
        of_target = _Function(keras.losses.get(loss), y, _predictions(y, outputs))
        whole, little, much = (of_target(shift) for shift in (0.0, _LITTLE, _MUCH))
    except Exception:  # whatever the loss raises on what is put in
        return None
    changes = [float(np.max(np.abs(other - whole))) for other in (little, much)]
    if not np.all(np.isfinite(changes)):
        return None
    nothing = changes[1] <= _ROUNDING * float(np.max(np.abs(whole)))
    return nothing or changes[0] > _LEAP * changes[1]


def casts(loss: Any, shape: tuple[int, ...], outputs: int | None) -> bool:
    """Whether a loss makes nothing of what targets have behind the point: it takes classes alone.

    Args:
        loss: The loss, as `compile` takes it.
        shape: Of a target: `(*sides)` or `(*sides, 1)`.
        outputs: Last side of the network's output; `None` if it is not known.

    Example:
        >>> casts("sparse_categorical_crossentropy", (4, 4), 3), casts("mae", (4, 4, 1), 1)
        (True, False)
    """
    sides = tuple(min(side, _SIDE) for side in shape)
    y = np.random.default_rng(0).integers(0, max(outputs or 3, 2), (1, *sides)).astype(np.float32)
    try:
        of_target = _Function(keras.losses.get(loss), y, _predictions(y, outputs))
        whole, more, empty = (of_target(shift) for shift in (0.0, 0.75, -y))
    except Exception:  # whatever the loss raises on what is put in
        return False
    least = _ROUNDING * float(np.max(np.abs(whole)))
    alike, empty_alike = (bool(np.max(np.abs(v - whole)) <= least) for v in (more, empty))
    return alike and not empty_alike


def _predictions(y: np.ndarray, outputs: int | None) -> np.ndarray:
    """Such as are probabilities, and may be scores as well."""
    sides = y.shape[:-1] if y.shape[-1] == 1 else y.shape
    made = np.random.default_rng(0).uniform(0.1, 0.9, (*sides, outputs or int(y.max()) + 1))
    whole = made.sum(axis=-1, keepdims=True) if made.shape[-1] > 1 else 1.0
    return (made / whole).astype(np.float32)


class _Function:
    """A loss as a function of how much is added to its target; variables of its own stay."""

    def __init__(self, loss: Any, y: np.ndarray, made: np.ndarray) -> None:
        self._y, self._made = y, made
        traced = tf.function(lambda y, p: loss(y, p), autograph=False)
        self._traced = traced.get_concrete_function(tf.constant(y), tf.constant(made))

    def __call__(self, shift: Any) -> np.ndarray:
        before = [(variable, variable.numpy()) for variable in self._traced.graph.variables]
        try:
            return np.asarray(self._traced(tf.constant(self._y + shift), tf.constant(self._made)))
        finally:
            for variable, value in before:
                variable.assign(value)


def _warn_of_few(leaf: Leaf, values: Values) -> None:
    found = sorted(values.numbers or ())
    if not found or len(found) > MOST_CLASSES or values.zero_and_one:
        return  # of a mask the mean is a share
    shown = ", ".join(f"{value:g}" for value in found[:5]) + (", ..." if len(found) > 5 else "")
    warnings.warn(
        f"{leaf.name} of {leaf.dtype.name} holds whole numbers alone ({shown}), and its loss does "
        "not tell whether they are classes. It is taken for an image and averaged on coarse "
        f"levels, which would mix classes. Say roles={{'{leaf.name}': 'class_map'}}, or 'image'.",
        stacklevel=first_level_outside(),
    )
