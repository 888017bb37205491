"""The UNet of the paper's authors, of the design of guided diffusion (Dhariwal & Nichol 2021)."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
from keras import layers

from keras_ms.networks import parts
from keras_ms.networks.fitting import CropLike, Enlarge, PadToMultiple
from keras_ms.networks.paper_layers import Frame, SelfAttention, group_norm, waves

EMBEDDING = 4  # times `width`: the channels that the noise level becomes


def UNet(  # noqa: N802 (a network reads like a class, as in keras.applications)
    channels: int = 3,
    width: int = 32,
    multipliers: tuple[int, ...] = (1, 2, 4),
    dropout: float = 0.5,
    conditional: bool = True,
    scale: int = 1,
    residual: bool = False,
    outputs: int | None = None,
    name: str = "paper_unet",
) -> keras.Model:
    """Builds the authors' UNet, of 2,537,187 parameters for colours.

    One residual block on every mesh on the way down, two on the way up, each of these on the
    concatenation with the next skip; in the middle two with attention among all pixels between
    them. A block is group normalisation, SiLU, 3x3 convolution, plus the projected noise level,
    normalisation, SiLU, dropout, and a 3x3 convolution that starts at zero. So does the last one of
    the network.

    The attention compares every pixel of the coarsest mesh with every other: 16 MiB for an image of
    180 px, 15 GiB for one of a million pixels.

    Args:
        channels: As in `keras_ms.networks.paper.ResNet`.
        width: Channels of the finest mesh times the first multiplier. Defaults to 32.
        multipliers: Channels of each mesh, finest first, as multiples of `width`. Defaults to
            `(1, 2, 4)`.
        dropout: Rate of the dropout. Defaults to 0.5.
        conditional: As there; all blocks share one embedding. Defaults to `True`.
        scale: As there. Defaults to 1.
        residual: As there. Defaults to `False`.
        outputs: As there. Defaults to `channels`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, height, width, channels)` to `outputs` channels, sides times
        `scale`. Sides that `2**(len(multipliers) - 1)` does not divide are padded by zeros, and the
        result cropped.

    Raises:
        ValueError: If a size is not positive, `dropout` is not in [0, 1), or the image is to be
            added to a result of other channels.

    Example:
        >>> keras_ms.networks.paper.UNet().count_params()
        2537187
    """
    # Over 60 lines with its docstring, half as many without.
    sizes = {"channels": channels, "width": width}
    parts.check_unet(multipliers, dropout, 2, scale, "none", **sizes)
    frame = Frame.begun(channels, conditional, scale, residual, outputs, name)
    told = None if frame.level is None else _embedded(frame.level, width)
    padded = PadToMultiple(2 ** (len(multipliers) - 1), name="pad")(frame.large)
    hidden = layers.Conv2D(width * multipliers[0], 3, padding="same", name="head")(padded)
    hidden = _Blocks(told, dropout).down_and_up(hidden, [width * m for m in multipliers])
    hidden = layers.Activation("silu", name="tail_act")(group_norm(hidden, "tail_norm"))
    hidden = CropLike(name="crop")([hidden, frame.large])
    return frame.ended(hidden, 3, "zeros")


def _embedded(level: Any, width: int) -> Any:
    hidden = waves(level, max(width // 2, 1))
    hidden = layers.Dense(EMBEDDING * width, "silu", name="level_dense1")(hidden)
    # What follows in every block begins with an activation, which all can share.
    return layers.Dense(EMBEDDING * width, "silu", name="level_dense2")(hidden)


@dataclasses.dataclass(frozen=True)
class _Blocks:
    """Makes the blocks of a network.

    Attributes:
        told: The embedded noise level, activated, or `None`.
        dropout: Rate of the dropout.
    """

    told: Any
    dropout: float

    def down_and_up(self, hidden: Any, widths: list[int]) -> Any:
        """From the first features to the last."""
        skips = [hidden]
        for mesh, width in enumerate(widths):
            if mesh:
                hidden = _halved(hidden, f"down{mesh}")
                skips.append(hidden)
            hidden = self.block(hidden, width, f"encoder{mesh}")
            skips.append(hidden)
        hidden = self.block(hidden, widths[-1], "middle0")
        hidden = self.block(_attended(hidden), widths[-1], "middle1")
        for mesh, width in reversed(list(enumerate(widths))):
            for number in range(2):
                name = f"decoder{mesh}_{number}"
                hidden = layers.Concatenate(name=f"{name}_skip")([hidden, skips.pop()])
                hidden = self.block(hidden, width, name)
            if mesh:
                hidden = _conv(width, f"up{mesh}_conv")(Enlarge(2, name=f"up{mesh}")(hidden))
        return hidden

    def block(self, hidden: Any, width: int, name: str) -> Any:
        """A residual block."""
        inner = layers.Activation("silu", name=f"{name}_act1")(group_norm(hidden, f"{name}_norm1"))
        inner = _conv(width, f"{name}_conv1")(inner)
        if self.told is not None:
            projected = layers.Dense(width, name=f"{name}_level")(self.told)
            inner = inner + layers.Reshape((1, 1, width), name=f"{name}_field")(projected)
        inner = layers.Activation("silu", name=f"{name}_act2")(group_norm(inner, f"{name}_norm2"))
        if self.dropout:
            inner = layers.Dropout(self.dropout, name=f"{name}_dropout")(inner)
        inner = _conv(width, f"{name}_conv2", kernel_initializer="zeros")(inner)
        if hidden.shape[-1] != width:
            hidden = layers.Conv2D(width, 1, name=f"{name}_match")(hidden)
        return layers.Add(name=f"{name}_add")([hidden, inner])


def _conv(width: int, name: str, **options: Any) -> keras.layers.Layer:
    return layers.Conv2D(width, 3, padding="same", name=name, **options)


def _halved(hidden: Any, name: str) -> Any:
    """Features on half the mesh: around every second pixel, the first one on."""
    padded = layers.ZeroPadding2D(((1, 0), (1, 0)), name=f"{name}_pad")(hidden)
    return layers.Conv2D(hidden.shape[-1], 3, strides=2, name=name)(padded)


def _attended(hidden: Any) -> Any:
    """Features plus what every pixel attends to, which starts at zero."""
    width = hidden.shape[-1]
    inner = layers.Conv2D(3 * width, 1, name="attention_in")(group_norm(hidden, "attention_norm"))
    inner = SelfAttention(name="attention")(inner)
    inner = layers.Conv2D(width, 1, kernel_initializer="zeros", name="attention_out")(inner)
    return layers.Add(name="attention_add")([hidden, inner])
