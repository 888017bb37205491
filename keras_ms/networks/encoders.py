"""The residual networks of He et al. as encoders of dense predictors."""

from __future__ import annotations

import functools
from typing import Any

import keras

from keras_ms.networks import parts
from keras_ms.networks.backbones import from_backbone
from keras_ms.validation import is_count, shown

NAMES = {"resnet18_encoder": "_resnet18", "resnet50_encoder": "_resnet50"}


def ResNetEncoder(  # noqa: N802
    channels: int = 3,
    blocks: tuple[int, ...] = (2, 2, 2, 2),
    bottleneck: bool = False,
    width: int = 32,
    conditional: bool = False,
    scale: int = 1,
    normalization: str = "channel",
    encoder_normalization: str | None = None,
    residual: bool = False,
    outputs: int | None = None,
    name: str = "resnet_encoder",
) -> keras.Model:
    """Builds a network on a true residual network (He et al. 2016, arXiv 1512.03385).

    The encoder is KerasCV's, untrained: a strided 7x7 convolution, pooling, then stages of 64,
    128, 256, 512 channels (times 4 with bottlenecks), each but the first at half the sides, with
    batch normalisation. The decoder is that of `from_backbone`. This is what the paper's
    deeper experiments take; `ResNet` stays on the finest mesh instead.

    Args:
        channels: Channels of the image.
        blocks: Residual blocks of each stage, one to four stages. `(2, 2, 2, 2)` (default) is
            ResNet-18, with bottlenecks `(3, 4, 6, 3)` is ResNet-50.
        bottleneck: Whether blocks are of 1x1, 3x3 and 1x1 convolutions (ResNet-50) and not of two
            3x3 convolutions (ResNet-18, default).
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
        A `keras.Model` from `(batch, height, width, channels)` to the same shape, sides times
        `scale`.

    Raises:
        ValueError: If a size is not positive, or there are more than four stages.

    Example:
        >>> network = keras_ms.networks.ResNetEncoder(blocks=(1, 1), width=4)
        >>> network(keras.ops.zeros((1, 20, 30, 3))).shape
        TensorShape([1, 20, 30, 3])
    """
    # Over 60 lines with its docstring, half as many without.
    stages = len(blocks) if isinstance(blocks, tuple | list) else 0
    if not 1 <= stages <= 4 or not all(map(is_count, (*blocks, channels))):
        raise ValueError(
            "A residual encoder has one to four stages of one block or more, and positive "
            f"channels. Received: blocks={shown(blocks)}, channels={shown(channels)}."
        )
    parts.check_large(blocks=sum(blocks), channels=channels)
    return from_backbone(
        _backbone(channels, blocks, bottleneck),
        channels if outputs is None else outputs,
        width=width,
        conditional=conditional,
        scale=scale,
        normalization=normalization,
        encoder_normalization=encoder_normalization,
        residual=residual,
        name=name,
    )


def _backbone(channels: int, blocks: tuple[int, ...], bottleneck: bool) -> Any:
    from keras_cv.models import ResNetBackbone  # imported late: it takes seconds

    return ResNetBackbone(
        stackwise_filters=[64 * 2**stage for stage in range(len(blocks))],
        stackwise_blocks=list(blocks),
        stackwise_strides=[1, 2, 2, 2][: len(blocks)],
        block_type="block" if bottleneck else "basic_block",
        include_rescaling=False,
        input_shape=(None, None, channels),
    )


_resnet18 = functools.partial(ResNetEncoder, name="resnet18_encoder")
_resnet50 = functools.partial(
    ResNetEncoder, blocks=(3, 4, 6, 3), bottleneck=True, name="resnet50_encoder"
)
