"""Layers that fit images of any size to networks that halve or enlarge them."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="keras_ms")
class PadToMultiple(keras.layers.Layer):
    """Pads zeros at the end of every spatial axis up to the next multiple.

    Args:
        multiple: The number that the sides must be divisible by, at least 1.
        **options: Options of `keras.layers.Layer`.

    Example:
        >>> layer = keras_ms.networks.fitting.PadToMultiple(4)
        >>> layer(keras.ops.zeros((1, 5, 8, 3))).shape
        TensorShape([1, 8, 8, 3])
    """

    def __init__(self, multiple: int, **options: Any) -> None:
        super().__init__(**options)
        self.multiple = multiple

    def call(self, image: Any) -> Any:
        """Returns the padded image."""
        sides = keras.ops.shape(image)[1:-1]
        extra = [self._extra(side) for side in sides]
        padded = tf.pad(image, [(0, 0), *((0, more) for more in extra), (0, 0)])
        # LiteRT forgets the number of channels in a pad by computed amounts, but not in a reshape.
        shape = [side + more for side, more in zip(sides, extra, strict=True)]
        padded = tf.reshape(padded, (-1, *shape, image.shape[-1]))
        return tf.ensure_shape(padded, self.compute_output_shape(image.shape))

    def _extra(self, side: Any) -> Any:
        # `-side % multiple` is shorter, but ONNX exports truncate the division of a negative.
        return (self.multiple - side % self.multiple) % self.multiple

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape of the padded image; unknown sides stay unknown."""
        batch, *sides, channels = input_shape
        padded = (None if side is None else side + self._extra(side) for side in sides)
        return (batch, *padded, channels)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        return {**super().get_config(), "multiple": self.multiple}


@keras.saving.register_keras_serializable(package="keras_ms")
class CropLike(keras.layers.Layer):
    """Crops the end of every spatial axis of the first tensor to the sides of the second.

    Example:
        >>> layer = keras_ms.networks.fitting.CropLike()
        >>> layer([keras.ops.zeros((1, 8, 8, 6)), keras.ops.zeros((1, 5, 8, 3))]).shape
        TensorShape([1, 5, 8, 6])
    """

    def call(self, inputs: Any) -> Any:
        """Returns the first tensor, cropped."""
        image, like = inputs
        sides = keras.ops.shape(like)[1:-1]
        cropped = image[(slice(None), *(slice(side) for side in sides))]
        return tf.ensure_shape(cropped, self.compute_output_shape([image.shape, like.shape]))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Sides of the second tensor, channels of the first."""
        image, like = input_shape
        return (image[0], *like[1:-1], image[-1])


@keras.saving.register_keras_serializable(package="keras_ms")
class Enlarge(keras.layers.Layer):
    """Enlarges two-dimensional images of any size by a whole factor.

    `keras.layers.UpSampling2D` does so, too. But its bilinear way fails if the size is unknown
    while tracing, and LiteRT cannot run a convolution after its nearest one. Nearest neighbours are
    repeated, not resized, because XLA has no kernel for the gradient of resizing them.

    Args:
        scale: The factor, at least 1.
        interpolation: `"nearest"` or `"bilinear"`, of `tf.image.resize`.
        **options: Options of `keras.layers.Layer`.

    Example:
        >>> layer = keras_ms.networks.fitting.Enlarge(2, "bilinear")
        >>> layer(keras.ops.zeros((1, 5, 8, 3))).shape
        TensorShape([1, 10, 16, 3])
    """

    def __init__(self, scale: int, interpolation: str = "nearest", **options: Any) -> None:
        super().__init__(**options)
        self.scale, self.interpolation = scale, interpolation

    def call(self, image: Any) -> Any:
        """Returns the enlarged image."""
        size = self.scale * tf.shape(image)[1:-1]
        if self.interpolation == "nearest":
            large = tf.repeat(tf.repeat(image, self.scale, axis=1), self.scale, axis=2)
            # LiteRT forgets the number of channels in a repetition, but not in a reshape.
            large = tf.reshape(large, (-1, size[0], size[1], image.shape[-1]))
        else:
            large = tf.cast(tf.image.resize(image, size, self.interpolation), image.dtype)
        return tf.ensure_shape(large, self.compute_output_shape(image.shape))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape of the enlarged image; unknown sides stay unknown."""
        batch, *sides, channels = input_shape
        return (batch, *(side and side * self.scale for side in sides), channels)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        options = {"scale": self.scale, "interpolation": self.interpolation}
        return {**super().get_config(), **options}


@keras.saving.register_keras_serializable(package="keras_ms")
class SubPixelUnshuffle(keras.layers.Layer):
    """Lays out `factor x factor` pixels as channels of one: the opposite of `SubPixelShuffle`.

    Args:
        factor: How many times smaller the sides become, at least 2; it divides them.
        **options: Options of `keras.layers.Layer`.

    Example:
        >>> layer = keras_ms.networks.fitting.SubPixelUnshuffle(2)
        >>> layer(keras.ops.zeros((1, 10, 16, 3))).shape
        TensorShape([1, 5, 8, 12])
    """

    def __init__(self, factor: int, **options: Any) -> None:
        super().__init__(**options)
        self.factor = factor

    def call(self, image: Any) -> Any:
        """Returns the image with fewer pixels and more channels."""
        return tf.nn.space_to_depth(image, self.factor)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape of the small image; unknown sides stay unknown."""
        batch, *sides, channels = input_shape
        return (batch, *(side and side // self.factor for side in sides), channels * self.factor**2)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable(package="keras_ms")
class SubPixelShuffle(keras.layers.Layer):
    """Lays out each pixel's channels as `scale x scale` pixels (Shi et al. 2016).

    `keras.ops.depth_to_space` does so, but Keras has it from 3.14 on only.

    Args:
        scale: How many times larger the sides become, at least 2.
        **options: Options of `keras.layers.Layer`.

    Example:
        >>> layer = keras_ms.networks.fitting.SubPixelShuffle(2)
        >>> layer(keras.ops.zeros((1, 5, 8, 12))).shape
        TensorShape([1, 10, 16, 3])
    """

    def __init__(self, scale: int, **options: Any) -> None:
        super().__init__(**options)
        self.scale = scale

    def call(self, image: Any) -> Any:
        """Returns the enlarged image."""
        return tf.nn.depth_to_space(image, self.scale)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Shape of the enlarged image; unknown sides stay unknown."""
        batch, *sides, channels = input_shape
        return (batch, *(side and side * self.scale for side in sides), channels // self.scale**2)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        return {**super().get_config(), "scale": self.scale}


__all__ = ["CropLike", "Enlarge", "PadToMultiple", "SubPixelShuffle", "SubPixelUnshuffle"]
