"""Augmentation of one's own, drawn alike for both levels of a term."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.examples import leaf_names
from keras_ms.data.layer_augmentation import Photometric, values_of
from keras_ms.data.seeded_draws import drawing_from
from keras_ms.validation import shown

Tensor = Any
Augment = Callable[[Any, Tensor], Any]
_BATCH = 2


def checked_augment(
    augment: Any,
    specs: tuple[Any, ...],
    first: Any,
    ranges: Mapping[str, tuple[float, float]],
) -> Augment | None:
    """The function that augments, tried on every level.

    Args:
        augment: A function, a layer that changes colours, or `None`.
        specs: Specs of the batched example of every level.
        first: An example as it is stored, for the range of its values.
        ranges: Values that become 0 and 1, by name of leaf.

    Raises:
        ValueError: If it fails, draws otherwise with the same seed, or what it returns is not like
            what it got; or of a layer, if it moves pixels or cannot be drawn alike.
    """
    if augment is None:
        return None
    if isinstance(augment, keras.layers.Layer):
        augment = Photometric(augment)
    if not callable(augment):
        raise ValueError(
            "`augment` is a function of a pair and a seed, or a Keras layer. "
            f"Received: augment={shown(augment)}. Use keras.layers.Pipeline for several layers."
        )
    if isinstance(augment, Photometric):
        leaves = keras.tree.flatten(specs[0][0])
        place = augment.place(leaves)
        *sides, channels = leaves[place].shape[1:]
        told = leaf_names(specs[0])[place] in ranges
        values = (0.0, 1.0) if told else values_of(keras.tree.flatten(first[0])[place])
        augment.check(channels, len(sides), values)
        check_on_levels(augment, specs)
        return augment
    seeded = functools.partial(_seeded, augment)
    check_on_levels(seeded, specs)
    _check_repeats(seeded, specs[-1])  # the smallest images will do
    return seeded


def _seeded(function: Augment, pair: Any, seed: Tensor) -> Any:
    with drawing_from(seed):
        return function(pair, seed)


def _check_repeats(augment: Augment, spec: Any) -> None:
    """Refuses a function that does not do the same for the same seed."""
    rng = np.random.default_rng(0)
    pair = keras.tree.map_structure(
        lambda t: tf.cast(rng.integers(0, 2, (_BATCH, *t.shape[1:])), t.dtype), spec
    )
    specs = _of_two(spec)
    seeds = [tf.constant((5, seed), tf.int32) for seed in range(4)]
    try:
        runs = [
            [keras.tree.flatten(traced(pair, seed)) for seed in seeds]
            for traced in (_traced(augment, specs), _traced(augment, specs))
        ]
    except tf.errors.OpError:
        return  # made-up values do not suit it; it will meet real ones
    for one, other in zip(*runs, strict=True):
        if not all(map(_equal, one, other)):
            raise ValueError(
                "`augment` must do the same whenever it gets the same pair and seed, so that both "
                "levels of a term are augmented alike. Received: one that does not. Draw by "
                "tf.random.stateless_uniform(shape, seed) and its likes, not by NumPy or `random`."
            )


def _equal(one: Tensor, other: Tensor) -> bool:
    return np.allclose(np.float64(one), np.float64(other), atol=1e-5, equal_nan=True)


def check_on_levels(augment: Augment | None, specs: tuple[Any, ...]) -> None:
    """Refuses augmentation that does not leave shapes and types as they are.

    Args:
        augment: The function, or `None`.
        specs: Specs of the batched example of every level.

    Raises:
        ValueError: If it fails, or what it returns is not like what it got.
    """
    if augment is None:
        return
    for level, spec in enumerate(specs):
        _check_alike(_tried(augment, spec), spec, level)


def _tried(augment: Augment, spec: Any) -> Any:
    try:
        return _traced(augment, _of_two(spec)).structured_outputs
    except Exception as error:  # whatever the function raises
        raise ValueError(
            "`augment` is a function of a batched pair, (x, y) or (x, y, sample_weight), and a "
            f"seed, that returns the pair. Received: one that fails on {spec} ({error})."
        ) from error


def _traced(augment: Augment, spec: Any) -> Any:
    return tf.function(augment).get_concrete_function(spec, tf.TensorSpec((2,), tf.int32))


def _of_two(spec: Any) -> Any:
    """Specs of a batch whose size is known, as that of every step is."""
    return keras.tree.map_structure(lambda t: tf.TensorSpec((_BATCH, *t.shape[1:]), t.dtype), spec)


def _check_alike(made: Any, spec: Any, level: int) -> None:
    def shapes(tree: Any) -> Any:
        return keras.tree.map_structure(lambda t: (t.dtype.name, *tuple(t.shape)[1:]), tree)

    if shapes(made) != shapes(spec):
        raise ValueError(
            "`augment` must return what it got, of the same shapes and types. Received on level "
            f"{level}: {made}, expected {spec}."
        )
