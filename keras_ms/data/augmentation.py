"""Augmentation of one's own, drawn alike for both levels of a term."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

Tensor = Any
Augment = Callable[[Any, Tensor], Any]


_MOVE_PIXELS = (
    "Affine", "Crop", "CutMix", "Elastic", "Erasing", "Flip", "MixUp", "Perspective", "Pipeline",
    "Resizing", "Rotation", "Shear", "Translation", "Zoom",
)  # fmt: skip
"""Words in the names of Keras layers that change where pixels are, or whose they are."""


class FixedSeed(keras.random.SeedGenerator):
    """Gives the same seed at every call, so that what draws from it draws the same again."""

    fixed: Tensor = None

    def next(self, ordered: bool = True) -> Tensor:
        """The seed."""
        return self.fixed


def photometric(layer: keras.layers.Layer) -> Augment:
    """Makes an `augment` of a Keras layer that changes the colours of images.

    For layers with `get_random_transformation` and `transform_images`, such as
    `keras.layers.RandomBrightness`, `RandomContrast`, `RandomSaturation`, `RandomHue`. Inputs are
    changed, targets and weights are not. The range of values is the layer's `value_range`.

    Args:
        layer: The layer. Those that move pixels (flips, turns, crops) do not fit: use `flip`,
            `rotate` and `image_size` of `MultiscaleDataset`.

    Returns:
        A function of a pair and a seed.

    Raises:
        ValueError: If it is no such layer.

    Example:
        >>> brighter = photometric(keras.layers.RandomBrightness(0.2, value_range=(0, 1)))
        >>> pair = tf.zeros((2, 8, 8, 3)), tf.zeros((2, 8, 8, 3))
        >>> x, y = brighter(pair, tf.constant((0, 1)))
        >>> x.shape
        TensorShape([2, 8, 8, 3])
    """
    fits = hasattr(layer, "get_random_transformation") and hasattr(layer, "transform_images")
    if not fits or any(word in type(layer).__name__ for word in _MOVE_PIXELS):
        raise ValueError(
            "A layer that draws a change of colours and applies it is needed. Received: "
            f"{layer!r}. Use for example keras.layers.RandomBrightness; pixels are moved by "
            "flip=, rotate= and image_size=."
        )

    generator = FixedSeed(0)

    def augment(pair: Any, seed: Tensor) -> Any:
        x, *others = pair
        generator.fixed = tf.cast(seed, tf.uint32)
        drawn = layer.get_random_transformation(x, training=True, seed=generator)
        return (layer.transform_images(x, drawn, training=True), *others)

    return augment


def checked_augment(augment: Any, specs: tuple[Any, ...]) -> Augment | None:
    """The function that augments, tried on every level.

    Args:
        augment: A function, a Keras layer that changes colours, or `None`.
        specs: Specs of the batched example of every level.

    Raises:
        ValueError: If it fails, or what it returns is not like what it got.
    """
    if augment is None:
        return None
    if isinstance(augment, keras.layers.Layer):
        augment = photometric(augment)
    if not callable(augment):
        raise ValueError(
            "`augment` is a function of a pair and a seed, or a Keras layer. "
            f"Received: augment={augment!r}."
        )
    for level, spec in enumerate(specs):
        _check_alike(_tried(augment, spec), spec, level)
    return augment


def _tried(augment: Augment, spec: Any) -> Any:
    seed = tf.TensorSpec((2,), tf.int32)
    try:
        traced = tf.function(augment).get_concrete_function(spec, seed)
    except Exception as error:  # whatever the function raises
        raise ValueError(
            "`augment` is a function of a batched pair, (x, y) or (x, y, sample_weight), and a "
            f"seed, that returns the pair. Received: one that fails on {spec} ({error})."
        ) from error
    return traced.structured_outputs


def _check_alike(made: Any, spec: Any, level: int) -> None:
    def shapes(tree: Any) -> Any:
        return keras.tree.map_structure(lambda t: (t.dtype.name, *tuple(t.shape)[1:]), tree)

    if shapes(made) != shapes(spec):
        raise ValueError(
            "`augment` must return what it got, of the same shapes and types. Received on level "
            f"{level}: {made}, expected {spec}."
        )
