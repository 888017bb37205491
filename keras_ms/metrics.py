"""PSNR and SSIM of restored images: by image, for any range of values, and as Keras metrics."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_ms.keras_internals.fitting import prefer_larger
from keras_ms.validation import known, shown

Tensor = Any
Range = tuple[float, float]

WINDOW = 11  # Wang et al. (2004): 11 x 11 Gaussian window, sigma 1.5, K = (0.01, 0.03)
KINDS = ("standard", "authors")
SIGMA = 1.5
K = (0.01, 0.03)


def ssim(y_true: Tensor, y_pred: Tensor, value_range: Range, kind: str = "standard") -> Tensor:
    """Structural similarity by image (Wang et al. 2004), as `tf.image.ssim` has it.

    Images are shifted so that `value_range` begins at 0, since SSIM compares means by their ratio.
    On images smaller than its 11 px the window is as large as their smaller side, whether sides
    are known while tracing or not.

    Args:
        y_true: Images `(batch, height, width, channels)`, floating.
        y_pred: Images of the same shape.
        value_range: What black and white are.
        kind: `"standard"` (default), or `"authors"`: that of the paper's authors, which takes
            images as they are, whatever `value_range`, with constants for a range of 1, zeros
            beyond the border, and always 11 px.

    Returns:
        `(batch,)`, float32, at most 1.

    Raises:
        ValueError: If the shapes differ or have not 4 axes, or the kind is unknown.
    """
    if known(kind, KINDS, "kind", "kind of SSIM") == "authors":
        return _similarity(*_zero_based(y_true, y_pred, (0.0, 1.0)), WINDOW, 1.0, "SAME")
    first, second = _zero_based(y_true, y_pred, value_range)
    width = value_range[1] - value_range[0]
    if None in first.shape[1:3]:
        # `tf.image.ssim` takes the side as a number, which is known only at run time.
        side = tf.minimum(WINDOW, tf.reduce_min(tf.shape(first)[1:3]))
        return _similarity(first, second, side, width, "VALID")
    window = min(WINDOW, *first.shape[1:3])
    return tf.image.ssim(first, second, width, filter_size=window, filter_sigma=SIGMA)


def _similarity(first: Tensor, second: Tensor, side: Tensor, width: float, padding: str) -> Tensor:
    """By image, with a window of `side` pixels and constants for a range of `width`."""
    window = _window(side)
    kernel = tf.tile(window, (1, 1, tf.shape(first)[-1], 1))

    def mean(images: Tensor) -> Tensor:
        return tf.nn.depthwise_conv2d(images, kernel, (1, 1, 1, 1), padding)

    product = 2.0 * mean(first) * mean(second)
    squares = mean(first) ** 2 + mean(second) ** 2
    covariance = 2.0 * mean(first * second) - product
    variances = mean(first**2 + second**2) - squares
    c1, c2 = (K[0] * width) ** 2, (K[1] * width) ** 2
    similar = (product + c1) / (squares + c1) * (covariance + c2) / (variances + c2)
    return tf.reduce_mean(similar, axis=(1, 2, 3))


def _window(side: Tensor) -> Tensor:
    """The Gaussian window `(side, side, 1, 1)`."""
    places = tf.cast(tf.range(side), tf.float32) - tf.cast(side - 1, tf.float32) / 2.0
    line = tf.nn.softmax(-0.5 * (places / SIGMA) ** 2)
    return tf.reshape(line[:, tf.newaxis] * line, (side, side, 1, 1))


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
            f"Received: value_range={shown(value_range)}."
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


class _ImageMetric(keras.metrics.MeanMetricWrapper):
    """The mean over images of a function of two batches."""

    def __init__(self, fn: Any, value_range: Range, name: str, dtype: Any, **options: Any) -> None:
        self.value_range, self._options = checked_range(value_range), options
        super().__init__(fn, name=name, dtype=dtype, value_range=self.value_range, **options)
        prefer_larger(self)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        told = {"name": self.name, "dtype": self.dtype, "value_range": self.value_range}
        return {**told, **self._options}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> keras.metrics.Metric:
        """The metric that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_ms")
class PSNR(_ImageMetric):
    """Peak signal-to-noise ratio in dB, `10 log10(range^2 / MSE)` by image, averaged over images.

    One image equal to its target makes the mean infinite.

    Args:
        value_range: What black and white are. Defaults to `(-1.0, 1.0)`, that of images
            normalised by mean and standard deviation 0.5.
        name: Name of the metric.
        dtype: Type of the mean.

    Raises:
        ValueError: If `value_range` is not two ordered numbers or, when updated, the shapes of the
            images differ.

    Example:
        >>> metric = keras_ms.metrics.PSNR(value_range=(0.0, 1.0))
        >>> metric.update_state(keras.ops.zeros((1, 8, 8, 3)), 0.1 * keras.ops.ones((1, 8, 8, 3)))
        >>> round(float(metric.result()), 3)
        20.0
    """

    def __init__(
        self,
        value_range: tuple[float, float] = (-1.0, 1.0),
        name: str = "psnr",
        dtype: Any = None,
    ) -> None:
        super().__init__(psnr, value_range, name, dtype)


@keras.saving.register_keras_serializable(package="keras_ms")
class SSIM(_ImageMetric):
    """Structural similarity (Wang et al. 2004) by image, averaged over images; 1 is equality.

    The window is 11 x 11, Gaussian, of sigma 1.5, and shrinks with images smaller than 11 px.

    Args:
        value_range: What black and white are. Defaults to `(-1.0, 1.0)`, that of images
            normalised by mean and standard deviation 0.5.
        name: Name of the metric.
        dtype: Type of the mean.
        kind: `"standard"` (default), or `"authors"`, for comparison with the paper's tables alone:
            its authors take normalised images as they are, whatever `value_range`, with constants
            for a range of 1, zeros beyond the border, and always 11 px.

    Raises:
        ValueError: If `value_range` is not two ordered numbers, the kind is unknown
            or, when updated, the shapes of the images differ.

    Example:
        >>> metric = keras_ms.metrics.SSIM()
        >>> image = keras.random.uniform((2, 16, 16, 3), -1.0, 1.0, seed=0)
        >>> metric.update_state(image, image)
        >>> round(float(metric.result()), 4)
        1.0
    """

    def __init__(
        self,
        value_range: tuple[float, float] = (-1.0, 1.0),
        name: str = "ssim",
        dtype: Any = None,
        kind: str = "standard",
    ) -> None:
        known(kind, KINDS, "kind", "kind of SSIM")
        super().__init__(ssim, value_range, name, dtype, kind=kind)


__all__ = ["PSNR", "SSIM"]
