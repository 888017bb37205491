"""An efficient network for restoration, which works on half the mesh."""

from __future__ import annotations

import math

import keras
from keras import layers

from keras_ms.networks import parts
from keras_ms.networks.fitting import PadToMultiple, SubPixelUnshuffle
from keras_ms.validation import is_number, shown

NAMES = {"half_resnet": "HalfResNet"}


def HalfResNet(  # noqa: N802 (a network reads like a class, as in keras.applications)
    channels: int = 3,
    width: int = 64,
    depth: int = 6,
    conditional: bool = False,
    scale: int = 1,
    unshuffle: int | None = None,
    normalization: str = "none",
    residual: bool | None = None,
    outputs: int | None = None,
    name: str = "half_resnet",
    branch_scale: float = 0.1,
) -> keras.Model:
    """Builds a residual network that works at half resolution, for images of any size.

    `unshuffle x unshuffle` pixels become the channels of one, as in FFDNet (Zhang et al. 2018,
    arXiv 1710.04026), so every convolution costs a quarter and sees twice as far. Then come a 3x3
    convolution to `width` channels, `depth` residual blocks of two 3x3 convolutions with ReLU
    between them and without normalisation, whose results are added times 0.1 (EDSR, Lim et al.
    2017, section 3.3, arXiv 1707.02921), a last 3x3 convolution whose initial weights are scaled
    by 1e-3, and the sub-pixel shuffle back. So an untrained network returns the image. A trained
    one looks `2 * unshuffle * (depth + 1)` pixels far (28 by default), and less than `unshuffle`
    further.

    Args:
        channels: Channels of the image.
        width: Channels of the hidden layers. Defaults to 64.
        depth: Number of residual blocks. Defaults to 6, 457,036 parameters for colours.
        conditional: Whether there is a second input, the noise level; see `ResNet`. It becomes a
            map, constant over the mesh, of every channel behind the first convolution.
        scale: How many times larger the result is. Defaults to 1.
        unshuffle: How many pixels a side become one. Defaults to 2, but to 1 where `scale` is above
            1: a small image has no pixels to spare.
        normalization: `"none"` (default), `"channel"`, `"group"` or `"layer"`; see `ResNet`.
        residual: Whether the image, enlarged bilinearly if `scale > 1`, is added to the result.
            Defaults to `True`, or to `False` if `outputs` are not as many as `channels`.
        outputs: Channels of the result, for example the number of classes, for logits. Defaults
            to `channels`.
        name: Name of the model.
        branch_scale: What the result of each block is multiplied by before it is added, above 0.
            Defaults to 0.1. With 1 and no normalisation, training with Adam at a rate of 1e-3 is
            unstable: its loss may grow 10,000-fold where a stage begins.

    Returns:
        A `keras.Model` from `(batch, height, width, channels)` to `outputs` channels, sides times
        `scale`. Sides that `unshuffle` does not divide are padded by zeros, and the result cropped.

    Raises:
        ValueError: If a size or `branch_scale` is not positive, `normalization` is unknown, or the
            image is to be added to a result of other channels.

    Example:
        >>> keras_ms.networks.HalfResNet(width=16)(keras.ops.zeros((1, 21, 30, 3))).shape
        TensorShape([1, 21, 30, 3])
    """
    # Over 60 lines with its docstring, half as many without.
    factor = (2 if scale == 1 else 1) if unshuffle is None else unshuffle
    adds = parts.adds_image(residual, outputs, channels)
    sizes = {"channels": channels, "width": width, "depth": depth, "unshuffle": factor}
    parts.check(2, scale, normalization, **sizes)
    if not (is_number(branch_scale) and 0.0 < branch_scale < math.inf):
        raise ValueError(
            f"`branch_scale` is above 0. Received: branch_scale={shown(branch_scale)}."
        )
    image, level = parts.make_inputs(channels, conditional, 2)
    hidden = image
    if factor > 1:
        hidden = PadToMultiple(factor, name="pad")(hidden)
        hidden = SubPixelUnshuffle(factor, name="unshuffle")(hidden)
    hidden = layers.Conv2D(width, 3, padding="same", name="head")(hidden)
    hidden = parts.add_level(hidden, level, 2, "level")
    for block in range(depth):
        inner = layers.Conv2D(width, 3, padding="same", name=f"block{block}_conv1")(hidden)
        inner = parts.normalize(inner, normalization, f"block{block}_norm")
        inner = layers.Activation("relu", name=f"block{block}_act")(inner)
        inner = layers.Conv2D(width, 3, padding="same", name=f"block{block}_conv2")(inner)
        inner = layers.Rescaling(branch_scale, name=f"block{block}_scale")(inner)
        hidden = layers.Add(name=f"block{block}_add")([hidden, inner])
    return parts.finish(hidden, image, level, scale, adds, 3, name, outputs, unshuffled=factor)
