"""PSNR and SSIM by image, for any range of values. Functions of tensors."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

Tensor = Any
Range = tuple[float, float]

WINDOW = 11  # Wang et al. (2004): 11 x 11 Gaussian window, sigma 1.5, K = (0.01, 0.03)
SIGMA = 1.5


def ssim(y_true: Tensor, y_pred: Tensor, value_range: Range) -> Tensor:
    """Structural similarity by image (Wang et al. 2004), by `tf.image.ssim`.

    Images are shifted so that `value_range` begins at 0, since SSIM compares means by their ratio.
    On images smaller than its 11 px the window is as large as their smaller side, if sides are
    known while tracing.

    Args:
        y_true: Images `(batch, height, width, channels)`, floating.
        y_pred: Images of the same shape.
        value_range: What black and white are.

    Returns:
        `(batch,)`, float32, at most 1.

    Raises:
        ValueError: If the shapes differ or have not 4 axes.
    """
    first, second = _zero_based(y_true, y_pred, value_range)
    sides = [side for side in first.shape[1:3] if side is not None]
    window = min(WINDOW, *sides) if sides else WINDOW
    width = value_range[1] - value_range[0]
    return tf.image.ssim(first, second, width, filter_size=window, filter_sigma=SIGMA)


def psnr(y_true: Tensor, y_pred: Tensor, value_range: Range) -> Tensor:
    """Peak signal-to-noise ratio by image in dB, by `tf.image.psnr`; equal images have infinity.

    Args:
        y_true: Images `(batch, height, width, channels)`, floating.
        y_pred: Images of the same shape.
        value_range: What black and white are.

    Returns:
        `(batch,)`, float32.

    Raises:
        ValueError: If the shapes differ or have not 4 axes.
    """
    first, second = _zero_based(y_true, y_pred, value_range)
    return tf.image.psnr(first, second, value_range[1] - value_range[0])


def checked_range(value_range: Range) -> Range:
    """The range as two numbers.

    Raises:
        ValueError: If it is not two ordered numbers.
    """
    try:
        low, high = (float(bound) for bound in value_range)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0  # not two numbers: refused below
    if not float("-inf") < low < high < float("inf"):
        raise ValueError(
            "`value_range` is (black, white), two ordered numbers, such as (-1.0, 1.0). "
            f"Received: value_range={value_range!r}."
        )
    return low, high


def _zero_based(y_true: Tensor, y_pred: Tensor, value_range: Range) -> tuple[Tensor, Tensor]:
    shapes = [tuple(tensor.shape) for tensor in (y_true, y_pred)]
    agree = all(a == b or None in (a, b) for a, b in zip(*shapes, strict=False))
    if [len(shape) for shape in shapes] != [4, 4] or not agree:
        raise ValueError(
            "Images are compared in batches (batch, height, width, channels) of one shape. "
            f"Received: y_true of shape {shapes[0]}, y_pred of shape {shapes[1]}."
        )
    # float32 also under mixed precision: variances of 8 bits are lost in half of them.
    return tuple(keras.ops.cast(tensor, "float32") - value_range[0] for tensor in (y_true, y_pred))
