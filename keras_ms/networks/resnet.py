"""The paper's residual network, for images of any size."""

from __future__ import annotations

import keras
from keras import layers

from keras_ms.networks.noise_level import noise_level_embedding


def ResNet(  # noqa: N802 (a network reads like a class, as in keras.applications)
    channels: int = 3,
    width: int = 128,
    depth: int = 2,
    conditional: bool = False,
    spatial_dims: int = 2,
    name: str = "resnet",
) -> keras.Model:
    """Builds the paper's ResNet (section 4.1) as a functional model of any image size.

    A 1x1 convolution to `width` channels; `depth` residual blocks of 3x3 convolution, layer
    normalisation over all of (C, H, W), leaky ReLU of slope 0.2 and 3x3 convolution; a 1x1
    convolution to `channels`, whose initial weights are scaled by 1e-3. The layer
    normalisation has a scale and an offset per channel, so that it fits every mesh.

    Args:
        channels: Channels of the image and of the result.
        width: Channels of the hidden layers. The paper's is 128.
        depth: Number of residual blocks. The paper's is 2.
        conditional: Whether there is a second input, the noise level `(batch, 1)`. Inputs are
            then the dictionary `{"image", "noise_level"}`, as `Denoising(conditional=True)` makes
            it, and each block adds an embedding of the level to its channels.
        spatial_dims: 1, 2 or 3.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, *spatial, channels)` to the same shape.

    Raises:
        ValueError: If a size is not positive or `spatial_dims` is not 1, 2 or 3.

    Example:
        >>> keras_ms.networks.ResNet(width=32)(keras.ops.zeros((1, 20, 30, 3))).shape
        TensorShape([1, 20, 30, 3])
    """
    if min(channels, width, depth) < 1 or spatial_dims not in (1, 2, 3):
        raise ValueError(
            "A ResNet has positive sizes and 1, 2 or 3 spatial dimensions. Received: "
            f"channels={channels}, width={width}, depth={depth}, spatial_dims={spatial_dims}."
        )
    conv = (layers.Conv1D, layers.Conv2D, layers.Conv3D)[spatial_dims - 1]
    image = keras.Input((*(None,) * spatial_dims, channels), name="image")
    level = keras.Input((1,), name="noise_level") if conditional else None
    hidden = conv(width, 1, name="head")(image)
    for block in range(depth):
        residual = conv(width, 3, padding="same", name=f"block{block}_conv1")(hidden)
        if level is not None:
            residual += noise_level_embedding(level, width, spatial_dims, f"block{block}_level")
        residual = layers.GroupNormalization(groups=1, name=f"block{block}_norm")(residual)
        residual = layers.LeakyReLU(0.2, name=f"block{block}_act")(residual)
        residual = conv(width, 3, padding="same", name=f"block{block}_conv2")(residual)
        hidden = layers.Add(name=f"block{block}_add")([hidden, residual])
    small = keras.initializers.VarianceScaling(1e-6, "fan_avg", "uniform")  # Glorot times 1e-3
    outputs = conv(channels, 1, kernel_initializer=small, dtype="float32", name="tail")(hidden)
    inputs = image if level is None else {"image": image, "noise_level": level}
    return keras.Model(inputs, outputs, name=name)
