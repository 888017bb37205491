"""The networks of the paper's authors, as their program has them, parameter by parameter.

Those of `keras_ms.networks` under the paper's names are ours, made of what the paper says. These
are told the noise level in another way, normalise without parameters, and attend. Where the program
leaves first weights to its framework, they are Keras's.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from keras_ms.networks import parts
from keras_ms.networks.paper_layers import Frame, layer_norm, time_field
from keras_ms.networks.paper_unet import UNet

NAMES = {
    "paper_resnet": "ResNet",
    "paper_unet": "UNet",
    "paper_sr_resnet": "SRResNet",
    "paper_sr_convnet": "SRConvNet",
}


def ResNet(  # noqa: N802 (a network reads like a class, as in keras.applications)
    channels: int = 3,
    width: int = 128,
    depth: int = 2,
    conditional: bool = True,
    scale: int = 1,
    residual: bool = False,
    outputs: int | None = None,
    name: str = "paper_resnet",
) -> keras.Model:
    """Builds the authors' ResNet, of 597,699 parameters for colours.

    A 1x1 convolution to `width` channels; residual blocks of 3x3 convolution, plus an embedding
    of the noise level, layer normalisation over (C, H, W) without parameters, leaky ReLU of slope
    0.2 and 3x3 convolution; a 1x1 convolution whose initial weights are scaled by 1e-3.

    Args:
        channels: Channels of the image.
        width: Channels of the hidden layers. Defaults to 128.
        depth: Number of residual blocks. Defaults to 2.
        conditional: Whether there is a second input, the noise level; see
            `keras_ms.networks.ResNet`. Every block has its own embedding of it. Defaults to
            `True`, as the authors have it.
        scale: How many times larger the result is: the network works on the image enlarged
            bilinearly. Defaults to 1.
        residual: Whether the (enlarged) image is added to the result. Defaults to `False`.
        outputs: Channels of the result, for example the number of classes, for logits. Defaults
            to `channels`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, height, width, channels)` to `outputs` channels, sides times
        `scale`.

    Raises:
        ValueError: If a size is not positive, or the image is to be added to a result of other
            channels.

    Example:
        >>> keras_ms.networks.paper.ResNet().count_params()
        597699
    """
    sizes = {"width": width, "depth": depth}
    frame = Frame.begun(channels, conditional, scale, residual, outputs, name, **sizes)
    hidden = layers.Conv2D(width, 1, name="head")(frame.large)
    for block in range(depth):
        inner = layers.Conv2D(width, 3, padding="same", name=f"block{block}_conv1")(hidden)
        inner = _normalised(inner, frame.level, f"block{block}")
        inner = layers.Conv2D(width, 3, padding="same", name=f"block{block}_conv2")(inner)
        hidden = layers.Add(name=f"block{block}_add")([hidden, inner])
    return frame.ended(hidden, 1, parts.small_start())


def SRResNet(  # noqa: N802
    channels: int = 3,
    width: int = 100,
    depth: int = 9,
    conditional: bool = False,
    scale: int = 2,
    residual: bool | None = None,
    outputs: int | None = None,
    name: str = "paper_sr_resnet",
) -> keras.Model:
    """Builds the authors' ResNet for super-resolution, of 1,622,503 parameters for colours.

    It is `ResNet` on the image enlarged bilinearly, which is added to the result.

    Args:
        channels: Channels of the image.
        width: Channels of the hidden layers. Defaults to 100.
        depth: Number of residual blocks. Defaults to 9.
        conditional: As in `ResNet`. Defaults to `False`, as the authors have it.
        scale: How many times larger the result is. Defaults to 2.
        residual: As in `ResNet`. Defaults to `True`, or to `False` if `outputs` are not as many as
            `channels`.
        outputs: As in `ResNet`.
        name: Name of the model.

    Returns:
        As `ResNet`.

    Raises:
        ValueError: As `ResNet`.

    Example:
        >>> keras_ms.networks.paper.SRResNet().count_params()
        1622503
    """
    adds = parts.adds_image(residual, outputs, channels)
    return ResNet(channels, width, depth, conditional, scale, adds, outputs, name)


def SRConvNet(  # noqa: N802
    channels: int = 3,
    width: int = 64,
    conditional: bool = False,
    scale: int = 2,
    residual: bool | None = None,
    outputs: int | None = None,
    name: str = "paper_sr_convnet",
) -> keras.Model:
    """Builds what the authors call ESPCN, of 69,603 parameters for colours.

    Convolutions of 5x5 to `width`, 3x3 to `width`, and twice 3x3 to `width / 2` channels, each with
    layer normalisation over (C, H, W) without parameters and leaky ReLU of slope 0.2, on the image
    enlarged bilinearly, which is added to the result. The ESPCN that the paper cites is
    `keras_ms.networks.ESPCN`.

    Args:
        channels: Channels of the image.
        width: Channels of the first hidden layers, 2 or more. Defaults to 64.
        conditional: Whether there is a second input, the noise level, whose embedding is added
            behind the first convolution. Defaults to `False`, as the authors have it.
        scale: As in `SRResNet`.
        residual: As in `SRResNet`.
        outputs: As in `ResNet`.
        name: Name of the model.

    Returns:
        As `ResNet`.

    Raises:
        ValueError: As `ResNet`.

    Example:
        >>> keras_ms.networks.paper.SRConvNet().count_params()
        69603
    """
    half = width // 2
    sizes = {"width": width, "half_width": half}
    frame = Frame.begun(channels, conditional, scale, residual, outputs, name, **sizes)
    hidden = frame.large
    for number, (side, wide) in enumerate(((5, width), (3, width), (3, half), (3, half))):
        conv = layers.Conv2D(
            wide, side, padding="same", kernel_initializer="orthogonal", name=f"conv{number}"
        )
        hidden = _normalised(conv(hidden), None if number else frame.level, f"conv{number}")
    return frame.ended(hidden, 1, keras.initializers.RandomNormal(stddev=1e-3))


def _normalised(hidden: Any, level: Any, name: str) -> Any:
    """Features, plus the noise level if there is one, normalised and activated."""
    if level is not None:
        hidden = hidden + time_field(level, hidden.shape[-1], f"{name}_level")
    return layers.LeakyReLU(0.2, name=f"{name}_act")(layer_norm(hidden, f"{name}_norm"))


__all__ = ["ResNet", "SRConvNet", "SRResNet", "UNet"]
