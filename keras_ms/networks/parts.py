"""What the networks have in common: convolutions, normalisation, inputs and the last layers."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import layers

from keras_ms.networks.fitting import CropLike, Enlarge, SubPixelShuffle
from keras_ms.networks.group_normalization import GroupNormalization
from keras_ms.networks.noise_level import noise_level_embedding
from keras_ms.validation import is_count, is_number, known, shown

NORMALIZATIONS = ("layer", "group", "channel", "none")
GROUPS = 8
MOST_BLOCKS, MOST_CHANNELS = 1000, 10**6


def conv(spatial_dims: int) -> Any:
    """The convolution layer class of 1, 2 or 3 spatial dimensions."""
    return (layers.Conv1D, layers.Conv2D, layers.Conv3D)[spatial_dims - 1]


def normalize(hidden: Any, kind: str, name: str) -> Any:
    """Normalises over all of (C, H, W), by groups of channels, by pixel, or not at all.

    The first two couple all pixels of an image; `"channel"` sees one pixel at a time, so that an
    image may be restored in tiles.
    """
    return hidden if kind == "none" else normalization_layer(kind, hidden.shape[-1], name)(hidden)


def normalization_layer(kind: str, channels: int, name: str) -> keras.layers.Layer:
    """The layer of `normalize`, for features of so many channels."""
    if kind == "none":
        return layers.Identity(name=name)
    if kind == "channel":
        return layers.LayerNormalization(axis=-1, name=name)
    groups = 1 if kind == "layer" else math.gcd(GROUPS, channels)
    if groups == 1:  # Keras sums over whole images as fast
        return layers.GroupNormalization(1, name=name)
    return GroupNormalization(groups, name=name)


def make_inputs(channels: int, conditional: bool, spatial_dims: int) -> tuple[Any, Any]:
    """Inputs of any size: the image, and the noise level or `None`."""
    image = keras.Input((*(None,) * spatial_dims, channels), name="image")
    return image, keras.Input((1,), name="noise_level") if conditional else None


def add_level(hidden: Any, level: Any, spatial_dims: int, name: str) -> Any:
    """Adds an embedding of the noise level to every channel, if there is a level."""
    if level is None:
        return hidden
    return hidden + noise_level_embedding(level, hidden.shape[-1], spatial_dims, name)


def finish(
    hidden: Any,
    image: Any,
    level: Any,
    scale: int,
    residual: bool,
    kernel_size: int,
    name: str,
    channels: int | None = None,
    activation: str | None = None,
    unshuffled: int = 1,
) -> keras.Model:
    """Ends a network: a convolution to the result's channels, sub-pixel shuffle, residual.

    Args:
        hidden: Last features.
        image: The image input.
        level: The noise level input, or `None`.
        scale: How many times larger the result is than the image; above 1 each pixel's
            channels are laid out as `scale x scale` pixels (Shi et al. 2016).
        residual: Whether the image, enlarged bilinearly if `scale > 1`, is added.
        kernel_size: Of the convolution.
        name: Name of the model.
        channels: Of the result. Defaults to those of the image.
        activation: Keras's name of a last activation. Defaults to none.
        unshuffled: How many times smaller the sides of `hidden` are than the image's, padded to
            a multiple; above 1 the shuffle makes up for it, and what was padded is cropped.

    Returns:
        A functional model whose result is float32 under any dtype policy.

    Raises:
        ValueError: If the image is to be added to a result of other channels.
    """
    channels = image.shape[-1] if channels is None else channels
    spatial_dims = len(image.shape) - 2
    check_outputs(channels, image.shape[-1], residual)
    tail = conv(spatial_dims)(
        channels * (scale * unshuffled) ** spatial_dims,
        kernel_size,
        padding="same",
        kernel_initializer=small_start(),
        dtype="float32",
        name="tail",
    )
    outputs = tail(hidden)
    if scale * unshuffled > 1:
        shuffle = SubPixelShuffle(scale * unshuffled, dtype="float32", name="sub_pixels")
        outputs = shuffle(outputs)
    if residual or unshuffled > 1:
        large = enlarged(image, scale)
        if unshuffled > 1:
            outputs = CropLike(dtype="float32", name="crop")([outputs, large])
        outputs = outputs + large if residual else outputs
    if activation is not None:
        outputs = layers.Activation(activation, dtype="float32", name="activation")(outputs)
    inputs = image if level is None else {"image": image, "noise_level": level}
    return keras.Model(inputs, outputs, name=name)


def small_start() -> keras.initializers.Initializer:
    """Initial weights of a last convolution: Glorot's times 1e-3."""
    return keras.initializers.VarianceScaling(1e-6, "fan_avg", "uniform")


def adds_image(residual: bool | None, outputs: int | None, channels: int) -> bool:
    """Whether the image is added: as asked for, or if the result has as many channels."""
    return outputs in (None, channels) if residual is None else residual


def check_outputs(outputs: int, channels: int, residual: bool) -> None:
    """Refuses no channels of a result, and others than those of an image that is added.

    Raises:
        ValueError: Naming what was received.
    """
    if not is_count(outputs):
        raise ValueError(
            f"A network has positive integers as sizes. Received: outputs={shown(outputs)}."
        )
    if residual and outputs != channels:
        raise ValueError(
            "The image is added to a result of as many channels. Received: residual=True, "
            f"outputs={outputs}, images of {channels} channels."
        )


def enlarged(image: Any, scale: int) -> Any:
    """The image itself, or enlarged bilinearly, in float32."""
    if scale == 1:
        return keras.ops.cast(image, "float32")
    return Enlarge(scale, "bilinear", dtype="float32", name="enlarged")(image)


def check(spatial_dims: int, scale: int, normalization: str, **sizes: int) -> None:
    """Refuses sizes that are no positive integers and options that do not exist.

    Raises:
        ValueError: Naming what was received.
    """
    if spatial_dims not in (1, 2, 3) or not all(map(is_count, (scale, *sizes.values()))):
        received = ", ".join(f"{name}={shown(value)}" for name, value in sizes.items())
        raise ValueError(
            "A network has positive integers as sizes, and 1, 2 or 3 spatial dimensions. Received: "
            f"{received}, scale={shown(scale)}, spatial_dims={shown(spatial_dims)}."
        )
    check_large(**sizes)
    if scale > 1 and spatial_dims != 2:
        raise ValueError(
            "Enlarging networks have 2 spatial dimensions. "
            f"Received: scale={scale}, spatial_dims={spatial_dims}."
        )
    known(normalization, NORMALIZATIONS, "normalization", "normalization")


def check_large(**sizes: int) -> None:
    """Refuses sizes of networks that nobody can build.

    Raises:
        ValueError: Naming what was received.
    """
    for name, size in sizes.items():
        if size > (MOST_BLOCKS if name in ("depth", "blocks") else MOST_CHANNELS):
            raise ValueError(
                f"No network has more than {MOST_BLOCKS:,} blocks, or {MOST_CHANNELS:,} channels. "
                f"Received: {name}={size}."
            )


def check_unet(
    multipliers: tuple[int, ...],
    dropout: float,
    spatial_dims: int,
    scale: int,
    normalization: str,
    **sizes: int,
) -> None:
    """Refuses what `check` does, a UNet without meshes, and a dropout that is no rate.

    Raises:
        ValueError: Naming what was received.
    """
    if not isinstance(multipliers, tuple | list) or not multipliers:
        raise ValueError(
            "`multipliers` is a tuple of positive integers, one a mesh, finest first. Received: "
            f"multipliers={shown(multipliers)}."
        )
    of_meshes = {f"multipliers[{i}]": multiplier for i, multiplier in enumerate(multipliers)}
    check(spatial_dims, scale, normalization, **sizes, **of_meshes)
    if not is_number(dropout) or not 0.0 <= dropout < 1.0:
        raise ValueError(f"`dropout` is a rate in [0, 1). Received: dropout={shown(dropout)}.")
