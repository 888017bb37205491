"""The efficient sub-pixel network for super-resolution."""

from __future__ import annotations

import keras

from keras_ms.networks import parts

NAMES = {"espcn": "ESPCN"}


def ESPCN(  # noqa: N802
    channels: int = 3,
    scale: int = 2,
    widths: tuple[int, int] = (64, 32),
    conditional: bool = False,
    residual: bool = False,
    outputs: int | None = None,
    name: str = "espcn",
) -> keras.Model:
    """Builds ESPCN (Shi et al. 2016, arXiv 1609.05158) for images of any size.

    Convolutions of 5x5 to 64 and 3x3 to 32 channels with tanh, a 3x3 convolution to
    `channels * scale**2`, and the sub-pixel shuffle; all of it works on the small mesh.

    Args:
        channels: Channels of the image.
        scale: How many times larger the result is. Defaults to 2.
        widths: Channels of the two hidden layers. Defaults to `(64, 32)`.
        conditional: Whether there is a second input, the noise level; see `ResNet`.
        residual: Whether the image, enlarged bilinearly, is added to the result.
        outputs: Channels of the result, for example the number of classes, for logits. Defaults
            to `channels`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, height, width, channels)` to `scale` times the sides.

    Raises:
        ValueError: If a size is not positive.

    Example:
        >>> keras_ms.networks.ESPCN(scale=2)(keras.ops.zeros((1, 20, 30, 3))).shape
        TensorShape([1, 40, 60, 3])
    """
    first, second = widths
    parts.check(2, scale, "none", channels=channels, first=first, second=second)
    image, level = parts.make_inputs(channels, conditional, 2)
    hidden = keras.layers.Conv2D(first, 5, padding="same", name="conv1")(image)
    hidden = parts.add_level(hidden, level, 2, "level")
    hidden = keras.layers.Activation("tanh", name="act1")(hidden)
    hidden = keras.layers.Conv2D(second, 3, padding="same", activation="tanh", name="conv2")(hidden)
    return parts.finish(hidden, image, level, scale, residual, 3, name, outputs)
