"""MobileNetV2 of keras.applications as the encoder of a dense predictor."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

from keras_ms.networks.backbones import from_backbone
from keras_ms.validation import is_count, is_number, shown

NAMES = {"mobilenet_v2_encoder": "MobileNetV2Encoder"}


def MobileNetV2Encoder(  # noqa: N802
    channels: int = 3,
    alpha: float = 1.0,
    layers: Sequence[str] | None = None,
    width: int = 32,
    conditional: bool = False,
    scale: int = 1,
    normalization: str = "channel",
    encoder_normalization: str | None = None,
    residual: bool = False,
    outputs: int | None = None,
    name: str = "mobilenet_v2_encoder",
) -> keras.Model:
    """Builds a network on MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381), untrained.

    The encoder is that of `keras.applications`, with features at strides 2, 4, 8, 16 and 32 and
    batch normalisation, whose moving means have a momentum of 0.999: after short training use
    `keras_ms.RefreshStatistics`. The decoder is that of `from_backbone`. For an encoder that is
    trained already, call `from_backbone` on it.

    Args:
        channels: Channels of the image.
        alpha: Channels of the encoder, as a multiple of the paper's. Defaults to 1.
        layers: Names of the encoder's layers whose features are used; see `from_backbone`.
        width: Channels of the decoder's finest mesh; see `from_backbone`.
        conditional: As in `from_backbone`.
        scale: As in `from_backbone`.
        normalization: As in `from_backbone`.
        encoder_normalization: As in `from_backbone`.
        residual: As in `from_backbone`.
        outputs: Channels of the result, for example the number of classes, for logits. Defaults
            to `channels`.
        name: Name of the model.

    Returns:
        A `keras.Model` from `(batch, height, width, channels)` to `outputs` channels, sides times
        `scale`.

    Raises:
        ValueError: If a size is not positive or an option makes no sense.

    Example:
        >>> network = keras_ms.networks.MobileNetV2Encoder(alpha=0.35, width=4, outputs=11)
        >>> network(keras.ops.zeros((1, 20, 30, 3))).shape
        TensorShape([1, 20, 30, 11])
    """
    # Over 60 lines with its docstring, half as many without.
    if not is_count(channels) or not is_number(alpha) or not 0.0 < alpha < math.inf:
        raise ValueError(
            "`channels` is a positive integer, and `alpha` a positive number. Received: "
            f"channels={shown(channels)}, alpha={shown(alpha)}."
        )
    backbone = keras.applications.MobileNetV2(
        (None, None, channels), alpha=alpha, include_top=False, weights=None
    )
    return from_backbone(
        backbone,
        channels if outputs is None else outputs,
        layers,
        width=width,
        conditional=conditional,
        scale=scale,
        normalization=normalization,
        encoder_normalization=encoder_normalization,
        residual=residual,
        name=name,
    )
