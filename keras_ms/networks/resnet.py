"""The paper's residual network, for images of any size."""

from __future__ import annotations

import functools

import keras
from keras import layers

from keras_ms.networks import parts

NAMES = {"resnet": "ResNet", "resnet18": "_resnet18", "resnet50": "_resnet50"}


def ResNet(  # noqa: N802 (a network reads like a class, as in keras.applications)
    channels: int = 3,
    width: int = 128,
    depth: int = 2,
    conditional: bool = False,
    spatial_dims: int = 2,
    scale: int = 1,
    normalization: str = "layer",
    residual: bool = False,
    outputs: int | None = None,
    name: str = "resnet",
) -> keras.Model:
    """Builds the paper's ResNet (section 4) as a functional model of any image size.

    A 1x1 convolution to `width` channels; `depth` residual blocks of 3x3 convolution, layer
    normalisation over all of (C, H, W), leaky ReLU of slope 0.2 and 3x3 convolution; a 1x1
    convolution to `outputs`, whose initial weights are scaled by 1e-3. The layer
    normalisation has a scale and an offset per channel, so that it fits every mesh. The encoders
    of the paper's Table 4 are others: see `encoders`.

    Args:
        channels: Channels of the image.
        width: Channels of the hidden layers. The paper's is 128.
        depth: Number of residual blocks. The paper's is 2.
        conditional: Whether there is a second input, the noise level `(batch, 1)`. Inputs are
            then the dictionary `{"image", "noise_level"}`, as `Denoising(conditional=True)` makes
            it, and each block adds an embedding of the level to its channels.
        spatial_dims: 1, 2 or 3.
        scale: How many times larger the result is, by a sub-pixel shuffle. Defaults to 1.
        normalization: `"layer"` (default), `"group"`, `"channel"` (by pixel, so that large
            images may be restored in tiles) or `"none"`.
        residual: Whether the image is added to the result. The paper's is not (default).
        outputs: Channels of the result, for example the number of classes, for logits. Defaults
            to `channels`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, *spatial, channels)` to `outputs` channels, sides times
        `scale`.

    Raises:
        ValueError: If a size is not positive, `spatial_dims` is not 1, 2 or 3, `normalization` is
            unknown, or `scale` is above 1 in other than 2 dimensions.

    Example:
        >>> keras_ms.networks.ResNet(width=32)(keras.ops.zeros((1, 20, 30, 3))).shape
        TensorShape([1, 20, 30, 3])
    """
    parts.check(spatial_dims, scale, normalization, channels=channels, width=width, depth=depth)
    conv = parts.conv(spatial_dims)
    image, level = parts.make_inputs(channels, conditional, spatial_dims)
    hidden = conv(width, 1, name="head")(image)
    for block in range(depth):
        inner = conv(width, 3, padding="same", name=f"block{block}_conv1")(hidden)
        inner = parts.add_level(inner, level, spatial_dims, f"block{block}_level")
        inner = parts.normalize(inner, normalization, f"block{block}_norm")
        inner = layers.LeakyReLU(0.2, name=f"block{block}_act")(inner)
        inner = conv(width, 3, padding="same", name=f"block{block}_conv2")(inner)
        hidden = layers.Add(name=f"block{block}_add")([hidden, inner])
    return parts.finish(hidden, image, level, scale, residual, 1, name, outputs)


# 2 convolutions per block, one before and one after: 18 = 1 + 2 * 8 + 1, 50 = 1 + 2 * 24 + 1.
_resnet18 = functools.partial(ResNet, depth=8, name="resnet18")
_resnet50 = functools.partial(ResNet, depth=24, name="resnet50")
