"""Super-resolution: a large image from one with fewer pixels."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_ms.tasks.noisy import NoisyTask
from keras_ms.tasks.task import Example, Tensor
from keras_ms.validation import shown

NAMES = {"super_resolution": "SuperResolution"}

SCALES = (2, 3, 4)
INTERPOLATIONS = ("bicubic", "bilinear")


class SuperResolution(NoisyTask):
    """Recovers `u` from `x = (1 - t) D u + t z`, `D` an antialiased reduction by `scale`.

    Input and target differ in size on every level: with 128 px targets and `scale=2` the input
    is 64 px on level 0, 32 px on level 1 and so on. The noise field lives on the input's mesh.

    Args:
        scale: 2 (default, the paper's), 3 or 4.
        t_range: Bounds of `t`, the share of the noise. Defaults to `(0.0, 0.01)`: "small".
        interpolation: `"bicubic"` (default) or `"bilinear"`, of `tf.image.resize` with
            antialiasing.
        conditional: Whether the network is told `t`; see `Denoising`.
        keep_contrast: Whether `x` is divided by `1 - t`; see `Deblurring`.

    Raises:
        ValueError: If `scale` or `interpolation` is unknown, `t_range` is not two ordered numbers
            in [0, 1] or (in `draw`) a side of the images is not divisible by `scale`.

    Example:
        >>> task = keras_ms.tasks.SuperResolution(scale=2)
        >>> x, y = task.pair(task.draw(keras.ops.zeros((4, 32, 32, 3)), keras.ops.array([0, 1])))
        >>> x.shape, y.shape
        (TensorShape([4, 16, 16, 3]), TensorShape([4, 32, 32, 3]))
    """

    def __init__(
        self,
        scale: int = 2,
        t_range: tuple[float, float] = (0.0, 0.01),
        interpolation: str = "bicubic",
        conditional: bool = False,
        keep_contrast: bool = False,
    ) -> None:
        super().__init__(t_range, conditional, keep_contrast)
        if scale not in SCALES or interpolation not in INTERPOLATIONS:
            raise ValueError(
                f"`scale` is one of {SCALES} and `interpolation` one of {INTERPOLATIONS}. "
                f"Received: scale={scale}, interpolation={shown(interpolation)}."
            )
        self.scale, self.interpolation = int(scale), interpolation

    def noise_shape(self, images: Tensor) -> tuple[Any, ...]:
        """Shape of the small image."""
        batch, *_, channels = keras.ops.shape(images)
        return (batch, *self._small_sides(images), channels)

    def degrade(self, example: Example) -> Tensor:
        """The reduced image `D u`."""
        clean = example["clean"]
        small = self._small_sides(clean)
        reduced = tf.image.resize(clean, small, self.interpolation, antialias=True)
        return tf.cast(reduced, clean.dtype)  # tf.image.resize makes float32 of every type

    def _small_sides(self, images: Tensor) -> tuple[int, ...]:
        sides = tuple(images.shape[1:-1])
        if len(sides) != 2 or any(side is None or side % self.scale for side in sides):
            raise ValueError(
                f"Super-resolution takes two-dimensional images with sides divisible by "
                f"{self.scale} on every level. Received: images of size {sides}, "
                f"scale={self.scale}. Use an image_size divisible by "
                f"{self.scale} * 2**(levels - 1)."
            )
        return tuple(side // self.scale for side in sides)
