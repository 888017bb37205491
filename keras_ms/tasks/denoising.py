"""Denoising of images with a random amount of white noise."""

from __future__ import annotations

from typing import Any

from keras_ms.tasks.noisy import NoisyTask
from keras_ms.tasks.task import Example, Tensor

NAMES = {"denoising": "Denoising"}


class Denoising(NoisyTask):
    """Recovers `u` from `x = t u + (1 - t) z`, `z ~ N(0, 1)` (section 4 of the paper).

    `t` is drawn uniformly once per image: 1 is a clean image, 0 is pure noise. Restriction takes
    block means of `u`, twice the block means of `z` (in 2-D) so that its variance stays 1, and
    leaves `t` alone; so every level has the same noise as the finest.

    Args:
        t_range: Bounds `(low, high)` of `t`, `0 <= low <= high <= 1`. Defaults to the paper's
            `(0.0, 1.0)`.
        conditional: Whether the network is told `t`. If so, `x` is the dictionary
            `{"image": (batch, *spatial, channels), "noise_level": (batch, 1)}`; if not (the
            default, "blind"), it is the noisy image alone.
        keep_contrast: Whether `x` is divided by `t`: `u` plus noise of standard deviation
            `(1 - t) / t`, as in a photograph. Defaults to `False`, the paper's.

    Raises:
        ValueError: If `t_range` is not two ordered numbers in [0, 1], or contains 0 although
            the contrast is to be kept.

    Example:
        >>> task = keras_ms.tasks.Denoising()
        >>> example = task.draw(keras.ops.zeros((4, 32, 32, 3)), keras.ops.array([0, 1]))
        >>> x, y = task.pair(task.restrict(example))
        >>> x.shape, y.shape
        (TensorShape([4, 16, 16, 3]), TensorShape([4, 16, 16, 3]))
    """

    def __init__(
        self,
        t_range: tuple[float, float] = (0.0, 1.0),
        conditional: bool = False,
        keep_contrast: bool = False,
    ) -> None:
        super().__init__(t_range, conditional, keep_contrast)

    def share(self, t: Any) -> Any:
        """The share of the noise, `1 - t`."""
        return 1.0 - t

    def degrade(self, example: Example) -> Tensor:
        """The clean image: noise is all there is."""
        return example["clean"]
