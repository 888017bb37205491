"""Puts the normalisation inside a network: from pictures in [0, 1] to what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.inference.returned import check_no_classes
from keras_ms.networks.interface import Interface, functional, interface
from keras_ms.networks.single_precision import in_float32
from keras_ms.validation import known, numbers_of, shown

OUTPUTS = ("image", "raw")
Statistic = float | Sequence[float]


def pictures_model(
    model: keras.Model, mean: Statistic = 0.5, std: Statistic = 0.5, output: str = "image"
) -> tuple[keras.Model, Interface]:
    """Wraps a network of normalised images: pictures in, normalisation inside, all float32.

    Args:
        model: A functional or Sequential `keras.Model`.
        mean: Mean of the images in [0, 1] that it was trained on, one or per channel.
        std: Their standard deviation, likewise.
        output: `"image"` if it returns normalised images, which become pictures in [0, 1] again;
            `"raw"` if anything else, which is left as it is.

    Returns:
        A functional model without the optimizer's state, and what it takes and returns.

    Raises:
        ValueError: If the model does not go from images of any size to as large or larger ones,
            cannot be rebuilt in float32, or the options do not fit it.
    """
    known(output, OUTPUTS, "output", "kind of output")
    if output == "image":
        check_no_classes(model)
    network = in_float32(functional(model))
    kind = interface(network)
    _check_statistics(kind, mean, std, output)
    means, stds = np.array(mean), np.array(std)
    inputs = keras.tree.map_structure(
        lambda tensor: keras.Input(tensor.shape[1:], dtype="float32", name=tensor.name),
        network.input,
    )
    image = inputs["image"] if kind.conditional else inputs
    normal = keras.layers.Rescaling(1.0 / stds, -means / stds, dtype="float32")(image)
    told = {**inputs, "image": normal} if kind.conditional else normal
    outputs = network(told, training=False)
    if output == "image":
        outputs = keras.layers.Rescaling(stds, means, dtype="float32")(outputs)
        outputs = keras.ops.clip(outputs, 0.0, 1.0)
    return keras.Model(inputs, outputs), kind


def input_specs(whole: keras.Model) -> Any:
    """TensorFlow's description of the input of a pictures model."""
    return keras.tree.map_structure(
        lambda tensor: tf.TensorSpec(tensor.shape, tf.float32, name=tensor.name), whole.input
    )


class Pictures(tf.Module):
    """A pictures model as a TensorFlow module: pictures in, pictures of the same type out.

    Args:
        whole: What `pictures_model` returned.
        raw: Whether its output is no picture, and stays float32.
    """

    def __init__(self, whole: keras.Model, raw: bool = False) -> None:
        super().__init__()
        self.variables_ = [variable.value for variable in whole.variables]
        self._raw, self._taken = raw, input_specs(whole)
        # One concrete function, so that the traces for all types share one copy of the graph.
        self._core = tf.function(whole).get_concrete_function(self._taken)

    @tf.function
    def __call__(self, pictures: Any, *noise_level: Any) -> Any:
        """Restores pictures `(batch, height, width, channels)`, floats in [0, 1] or uint8."""
        floats = tf.cast(pictures, tf.float32)
        if pictures.dtype == tf.uint8:
            floats /= 255.0
        inputs = {"image": floats, "noise_level": noise_level[0]} if noise_level else floats
        restored = self._core(inputs)
        if self._raw:
            return restored
        if pictures.dtype == tf.uint8:
            restored = tf.round(255.0 * restored)
        return tf.cast(restored, pictures.dtype)

    def traced(self, dtype: tf.DType) -> Any:
        """The concrete function, one for all sizes, that restores pictures of a type."""
        if not isinstance(self._taken, dict):
            specs = [tf.TensorSpec(self._taken.shape, dtype, name="pictures")]
        else:
            specs = [
                tf.TensorSpec(self._taken["image"].shape, dtype, name="pictures"),
                tf.TensorSpec(self._taken["noise_level"].shape, tf.float32, name="noise_level"),
            ]
        return self.__call__.get_concrete_function(*specs)


def _check_statistics(kind: Interface, mean: Statistic, std: Statistic, output: str) -> None:
    numbers = [numbers_of(values) for values in (mean, std)]
    if not all(np.all(np.isfinite(values)) for values in numbers) or np.any(numbers[1] <= 0.0):
        raise ValueError(
            f"`std` must be positive, and both finite. Received: mean={shown(mean)}, "
            f"std={shown(std)}."
        )
    lengths = {np.size(mean), np.size(std)} - {1}
    fitting = {kind.channels, kind.out_channels} if output == "image" else {kind.channels}
    if max(np.ndim(mean), np.ndim(std)) > 1 or (lengths and lengths != fitting):
        raise ValueError(
            "`mean` and `std` are numbers, or one per channel of the image and of the output. "
            f"Received: mean={shown(mean)}, std={shown(std)}, {kind.channels} channels and "
            f"{kind.out_channels} of the output. Use output='raw' if that is no image."
        )
