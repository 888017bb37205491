"""Deblurring of images under a Gaussian kernel and a little noise."""

from __future__ import annotations

from keras_ms.tasks.blur import BORDERS, gaussian_blur
from keras_ms.tasks.noisy import NoisyTask
from keras_ms.tasks.task import Example, Tensor
from keras_ms.validation import is_number, known

NAMES = {"deblurring": "Deblurring"}
MOST_SIGMA = 1000


class Deblurring(NoisyTask):
    """Recovers `u` from `x = (1 - t) K u + t z`, `z ~ N(0, 1)` (section 4 of the paper).

    `K` is a Gaussian of `sigma` *pixels of the level it is applied on*: on a coarse level the
    clean image is coarsened and blurred by the same kernel, so the task stays the same
    (restricting the blurred image instead would halve sigma with each level).

    Args:
        sigma: Standard deviation of the kernel in pixels, at least 0. Defaults to the paper's 3.
        t_range: Bounds of `t`, the share of the noise. Defaults to the paper's `(0.0, 0.1)`.
        border: What lies beyond the border: `"reflect"` (default; the image mirrored about its
            edge) or `"circular"` (the image repeated; the authors').
        conditional: Whether the network is told `t`; see `Denoising`.
        keep_contrast: Whether `x` is divided by `1 - t`, so that it is as bright as a
            photograph. Defaults to `False`, the paper's.

    Raises:
        ValueError: If `sigma` is negative or more than 1000, `border` unknown, or `t_range` is not
            two ordered numbers in [0, 1].

    Example:
        >>> task = keras_ms.tasks.Deblurring(sigma=2.0)
        >>> x, y = task.pair(task.draw(keras.ops.ones((4, 32, 32, 3)), keras.ops.array([0, 1])))
        >>> x.shape
        TensorShape([4, 32, 32, 3])
    """

    def __init__(
        self,
        sigma: float = 3.0,
        t_range: tuple[float, float] = (0.0, 0.1),
        border: str = "reflect",
        conditional: bool = False,
        keep_contrast: bool = False,
    ) -> None:
        super().__init__(t_range, conditional, keep_contrast)
        if not is_number(sigma) or not 0.0 <= float(sigma) <= MOST_SIGMA:
            raise ValueError(
                f"`sigma` is the kernel's standard deviation in pixels, 0 to {MOST_SIGMA:,}. "
                f"Received: sigma={sigma}."
            )
        known(border, BORDERS, "border", "border")
        self.sigma: float = float(sigma)
        self.border: str = border

    def degrade(self, example: Example) -> Tensor:
        """The blurred image `K u`."""
        return gaussian_blur(example["clean"], self.sigma, self.border)
