"""Metrics of restored images, averaged over images."""

from __future__ import annotations

from typing import Any

import keras

from keras_ms import similarity
from keras_ms.keras_internals import prefer_larger


class _ImageMetric(keras.metrics.MeanMetricWrapper):
    """The mean over images of a similarity."""

    def __init__(self, fn: Any, value_range: tuple[float, float], name: str, dtype: Any) -> None:
        self.value_range = similarity.checked_range(value_range)
        super().__init__(fn, name=name, dtype=dtype, value_range=self.value_range)
        prefer_larger(self)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        return {"name": self.name, "dtype": self.dtype, "value_range": self.value_range}

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
        super().__init__(similarity.psnr, value_range, name, dtype)


@keras.saving.register_keras_serializable(package="keras_ms")
class SSIM(_ImageMetric):
    """Structural similarity (Wang et al. 2004) by image, averaged over images; 1 is equality.

    The window is 11 x 11, Gaussian, of sigma 1.5, and shrinks with images smaller than 11 px.

    Args:
        value_range: What black and white are. Defaults to `(-1.0, 1.0)`, that of images
            normalised by mean and standard deviation 0.5.
        name: Name of the metric.
        dtype: Type of the mean.

    Raises:
        ValueError: If `value_range` is not two ordered numbers or, when updated, the shapes of the
            images differ.

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
    ) -> None:
        super().__init__(similarity.ssim, value_range, name, dtype)


__all__ = ["PSNR", "SSIM"]
