"""Losses for restored images."""

from __future__ import annotations

from typing import Any

import keras

from keras_ms import metrics
from keras_ms.validation import known


@keras.saving.register_keras_serializable(package="keras_ms")
class NegativeSSIM(keras.losses.Loss):
    """`-SSIM(y_true, y_pred)`, between -1 (equal images) and 1; the paper's for super-resolution.

    Structural similarity of Wang et al. (2004) with an 11 x 11 Gaussian window of sigma 1.5,
    averaged over pixels and channels, one value per image. The window shrinks with images
    smaller than 11 px, as coarse levels may be.

    Args:
        value_range: What black and white are. Defaults to `(-1.0, 1.0)`, that of images
            normalised by mean and standard deviation 0.5.
        name: Name of the loss.
        kind: `"standard"` (default), or `"authors"`, that of the paper's authors; see
            `keras_ms.metrics.SSIM`.
        **options: `reduction` and `dtype` of `keras.losses.Loss`.

    Raises:
        ValueError: If `value_range` is not two ordered numbers, the kind is unknown or, when
            called, the shapes of the images differ.

    Example:
        >>> loss = keras_ms.losses.NegativeSSIM()
        >>> image = keras.random.uniform((2, 16, 16, 3), -1.0, 1.0, seed=0)
        >>> round(float(loss(image, image)), 4)
        -1.0
    """

    def __init__(
        self,
        value_range: tuple[float, float] = (-1.0, 1.0),
        name: str = "negative_ssim",
        kind: str = "standard",
        **options: Any,
    ) -> None:
        super().__init__(name=name, **options)
        self.value_range = metrics.checked_range(value_range)
        self.kind: str = known(kind, metrics.KINDS, "kind", "kind of SSIM")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns one value per image, `(batch,)`."""
        return -metrics.ssim(y_true, y_pred, self.value_range, self.kind)

    def get_config(self) -> dict[str, Any]:
        """Options for `.keras` files."""
        return {**super().get_config(), "value_range": self.value_range, "kind": self.kind}


__all__ = ["NegativeSSIM"]
