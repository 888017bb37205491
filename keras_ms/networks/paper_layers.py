"""What the networks of the paper's authors are made of, where ours are made of something else."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras
import tensorflow as tf
from keras import layers

from keras_ms.networks import parts
from keras_ms.networks.group_normalization import GroupNormalization

EPSILON = 1e-5
GROUPS = 16
PERCEPTRON = 32  # neurons of each of its hidden layers
LOWEST = 1e-4  # of the frequencies, the highest of which is 1


def layer_norm(hidden: Any, name: str) -> Any:
    """Normalises over all of (C, H, W), without scale and offset."""
    plain = layers.GroupNormalization(1, epsilon=EPSILON, center=False, scale=False, name=name)
    return plain(hidden)


def group_norm(hidden: Any, name: str) -> Any:
    """Normalises by 16 groups of channels; by fewer where a group would be a single channel."""
    channels = hidden.shape[-1]
    groups = math.gcd(GROUPS, channels, channels // 2)
    kind = layers.GroupNormalization if groups == 1 else GroupNormalization
    return kind(groups, epsilon=EPSILON, name=name)(hidden)


def waves(level: Any, frequencies: int) -> Any:
    """Sines and cosines of noise levels, `(batch, 2 * frequencies)`, float32.

    The frequencies fall geometrically from 1 to 1e-4.
    """
    last = max(frequencies - 1, 1)
    falling = keras.ops.convert_to_tensor([[LOWEST ** (k / last) for k in range(frequencies)]])
    angles = keras.ops.cast(level, "float32") * keras.ops.cast(falling, "float32")
    return keras.ops.concatenate([keras.ops.sin(angles), keras.ops.cos(angles)], axis=-1)


def time_field(level: Any, width: int, name: str) -> Any:
    """Embeds noise levels as a field that is constant over the mesh, `(batch, 1, 1, width)`.

    One half of the channels are sines and cosines, the other is made by a perceptron of 1, 32, 32
    and `width / 2` neurons with ReLU between them.
    """
    frequencies = width // 4
    learned = level
    for number in (1, 2):
        learned = layers.Dense(PERCEPTRON, "relu", name=f"{name}_dense{number}")(learned)
    learned = layers.Dense(width - 2 * frequencies, name=f"{name}_dense3")(learned)
    both = [waves(level, frequencies)] if frequencies else []
    joined = keras.ops.concatenate([*both, keras.ops.cast(learned, "float32")], axis=-1)
    return layers.Reshape((1, 1, width), name=f"{name}_field")(joined)


class Frame(NamedTuple):
    """What the networks begin and end with.

    Attributes:
        image: The image input.
        level: The noise level input, or `None`.
        large: The image itself, or enlarged, on the mesh of the result.
        residual: Whether that is added to the result.
        outputs: Channels of the result.
        name: Name of the model.
    """

    image: Any
    level: Any
    large: Any
    residual: bool
    outputs: int
    name: str

    @classmethod
    def begun(
        cls,
        channels: int,
        conditional: bool,
        scale: int,
        residual: bool | None,
        outputs: int | None,
        name: str,
        **sizes: int,
    ) -> Frame:
        """Begins a network; arguments are those of `keras_ms.networks.paper.ResNet`.

        Args:
            channels: As there.
            conditional: As there.
            scale: As there.
            residual: As there; `None` is true if there are as many outputs as channels.
            outputs: As there.
            name: As there.
            **sizes: More that has to be positive.

        Raises:
            ValueError: If a size is not positive.
        """
        parts.check(2, scale, "none", channels=channels, **sizes)
        adds = parts.adds_image(residual, outputs, channels)
        image, level = parts.make_inputs(channels, conditional, 2)
        outputs = channels if outputs is None else outputs
        return cls(image, level, parts.enlarged(image, scale), adds, outputs, name)

    def ended(self, hidden: Any, kernel_size: int, start: Any) -> keras.Model:
        """Ends it: a convolution to the result's channels, and the image if it is added.

        Args:
            hidden: Last features, on the mesh of the result.
            kernel_size: Of the convolution.
            start: Its initializer.

        Raises:
            ValueError: If there are no outputs, or others than channels of what is added.
        """
        parts.check_outputs(self.outputs, self.image.shape[-1], self.residual)
        made = layers.Conv2D(
            self.outputs,
            kernel_size,
            padding="same",
            kernel_initializer=start,
            dtype="float32",
            name="tail",
        )(hidden)
        if self.residual:
            made = made + self.large
        told = self.level is not None
        inputs = {"image": self.image, "noise_level": self.level} if told else self.image
        return keras.Model(inputs, made, name=self.name)


@keras.saving.register_keras_serializable(package="keras_ms")
class SelfAttention(keras.layers.Layer):
    """Attention of one head among all pixels of an image, of the queries, keys and values given.

    It compares every pixel with every other, so memory grows with the square of their number.

    Call arguments:
        inputs: `(batch, height, width, 3 * channels)`: queries, then keys, then values.

    Example:
        >>> layer = keras_ms.networks.paper_layers.SelfAttention()
        >>> layer(keras.ops.zeros((1, 5, 8, 12))).shape
        TensorShape([1, 5, 8, 4])
    """

    def call(self, inputs: Any) -> Any:
        """Returns what every pixel attends to, `(batch, height, width, channels)`."""
        ops = keras.ops
        channels = inputs.shape[-1] // 3
        _, height, width, _ = ops.shape(inputs)
        pixels = ops.reshape(inputs, (-1, height * width, 3 * channels))
        query, key, value = ops.split(pixels, 3, axis=-1)
        alike = ops.matmul(query, ops.transpose(key, (0, 2, 1))) / math.sqrt(channels)
        # Keras's warns of a single pixel, of which the coarsest mesh may be.
        weights = tf.nn.softmax(ops.cast(alike, "float32"))
        seen = ops.matmul(ops.cast(weights, value.dtype), value)
        return ops.reshape(seen, (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """A third of the channels."""
        return (*input_shape[:-1], input_shape[-1] // 3)
