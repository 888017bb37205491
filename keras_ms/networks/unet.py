"""The paper's UNet, for images of any size."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import keras
from keras import layers

from keras_ms.networks import parts
from keras_ms.networks.fitting import CropLike, Enlarge, PadToMultiple

NAMES = {"unet": "UNet", "unet5": "_unet5"}


class _Kind(NamedTuple):
    """What all blocks of one UNet share."""

    level: Any
    spatial_dims: int
    normalization: str
    dropout: float


def UNet(  # noqa: N802
    channels: int = 3,
    width: int = 32,
    multipliers: tuple[int, ...] = (1, 2, 4),
    dropout: float = 0.5,
    conditional: bool = False,
    spatial_dims: int = 2,
    scale: int = 1,
    normalization: str = "group",
    residual: bool = False,
    outputs: int | None = None,
    name: str = "unet",
) -> keras.Model:
    """Builds the paper's UNet (section 4) as a functional model of any image size.

    Every mesh of the network has one residual block on the way down and one on the way up, of
    twice normalisation, SiLU and 3x3 convolution, with dropout before the second. Strided 3x3
    convolutions lead down, nearest-neighbour enlargement and a 3x3 convolution up. Images whose
    sides are not multiples of `2**(len(multipliers) - 1)` are padded by zeros and the result is
    cropped.

    Args:
        channels: Channels of the image.
        width: Channels of the finest mesh times the first multiplier. The paper's is 32.
        multipliers: Channels of each mesh, finest first, as multiples of `width`. The paper's are
            `(1, 2, 4)`; its deeper variant has five.
        dropout: Rate of the dropout. The paper's is 0.5. Its masks do not couple across levels.
        conditional: Whether there is a second input, the noise level; see `ResNet`.
        spatial_dims: 1, 2 or 3.
        scale: How many times larger the result is, by a sub-pixel shuffle. Defaults to 1.
        normalization: `"group"` (default), `"layer"`, `"channel"` (by pixel, so that large
            images may be restored in tiles) or `"none"`.
        residual: Whether the image is added to the result. The paper's is not (default).
        outputs: Channels of the result, for example the number of classes, for logits. Defaults
            to `channels`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, *spatial, channels)` to `outputs` channels, sides times
        `scale`.

    Raises:
        ValueError: If a size is not positive, `dropout` is not in [0, 1), or an option is unknown.

    Example:
        >>> keras_ms.networks.UNet(width=8)(keras.ops.zeros((1, 21, 30, 3))).shape
        TensorShape([1, 21, 30, 3])
    """
    sizes = {"channels": channels, "width": width}
    parts.check_unet(multipliers, dropout, spatial_dims, scale, normalization, **sizes)
    conv = parts.conv(spatial_dims)
    image, level = parts.make_inputs(channels, conditional, spatial_dims)
    kind = _Kind(level, spatial_dims, normalization, dropout)
    padded = PadToMultiple(2 ** (len(multipliers) - 1), name="pad")(image)
    hidden = conv(width * multipliers[0], 3, padding="same", name="head")(padded)
    hidden = _down_and_up(hidden, [width * m for m in multipliers], kind)
    hidden = parts.normalize(hidden, normalization, "tail_norm")
    hidden = layers.Activation("silu", name="tail_act")(hidden)
    hidden = CropLike(name="crop")([hidden, image])
    return parts.finish(hidden, image, level, scale, residual, 3, name, outputs)


_unet5 = functools.partial(UNet, multipliers=(1, 2, 4, 8, 16), name="unet5")


def _down_and_up(hidden: Any, widths: list[int], kind: _Kind) -> Any:
    conv = parts.conv(kind.spatial_dims)
    enlarge = (layers.UpSampling1D, Enlarge, layers.UpSampling3D)
    skips = []
    for mesh, width in enumerate(widths):
        if mesh:
            skips.append(hidden)
            hidden = conv(width, 3, strides=2, padding="same", name=f"down{mesh}")(hidden)
        hidden = _block(hidden, width, kind, f"encoder{mesh}")
    for mesh, width in reversed(list(enumerate(widths[:-1]))):
        hidden = enlarge[kind.spatial_dims - 1](2, name=f"up{mesh}")(hidden)
        hidden = conv(width, 3, padding="same", name=f"up{mesh}_conv")(hidden)
        hidden = layers.Concatenate(name=f"skip{mesh}")([hidden, skips[mesh]])
        hidden = _block(hidden, width, kind, f"decoder{mesh}")
    return hidden


def _block(hidden: Any, width: int, kind: _Kind, name: str) -> Any:
    conv = parts.conv(kind.spatial_dims)
    inner = parts.normalize(hidden, kind.normalization, f"{name}_norm1")
    inner = layers.Activation("silu", name=f"{name}_act1")(inner)
    inner = conv(width, 3, padding="same", name=f"{name}_conv1")(inner)
    inner = parts.add_level(inner, kind.level, kind.spatial_dims, f"{name}_level")
    inner = parts.normalize(inner, kind.normalization, f"{name}_norm2")
    inner = layers.Activation("silu", name=f"{name}_act2")(inner)
    if kind.dropout:
        inner = layers.Dropout(kind.dropout, name=f"{name}_dropout")(inner)
    inner = conv(width, 3, padding="same", name=f"{name}_conv2")(inner)
    if hidden.shape[-1] != width:
        hidden = conv(width, 1, name=f"{name}_match")(hidden)
    return layers.Add(name=f"{name}_add")([hidden, inner])
