"""Inpainting: images of which rectangles, or masks of the user's own, are missing."""

from __future__ import annotations

import numbers
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms import restriction
from keras_ms.tasks.noisy import NoisyTask, pair_of_floats
from keras_ms.tasks.rectangles import draw_rectangles
from keras_ms.tasks.task import Example, Tensor

NAMES = {"inpainting": "Inpainting"}
MOST = 1000


class Inpainting(NoisyTask):
    """Recovers `u` from `x = (1 - t) M u + t z`, `M` removing pixels (section 4 of the paper).

    Missing pixels are 0, the mean of the normalised images. `"mask"` in the latent example is 1
    where a pixel is missing, `(batch, *spatial, holes)` with one channel per hole. Masks restrict
    conservatively: a coarse pixel is missing if more than half of its block is.

    Rectangles are drawn in fractions of the image, and a pixel is missing if it lies
    wholly inside one. A coarse pixel does so exactly if all pixels of its block do, so masks
    drawn on a coarse mesh are those of the fine mesh restricted.

    Args:
        max_rectangles: Most rectangles per image; their number is uniform in
            `1 .. max_rectangles`. Defaults to the paper's 3.
        side_range: Bounds of a rectangle's height and width as fractions of the image's height
            and width, drawn uniformly. Defaults to the paper's `(1/12, 1/6)`.
        masks: Your own masks instead, `(count, *spatial)` as large as the finest images, nonzero
            where a pixel is missing; one of them is drawn per image. Defaults to `None`.
        t_range: Bounds of `t`, the share of the noise. Defaults to the paper's `(0.0, 0.1)`.
        conditional: Whether the network is told `t`; see `Denoising`.
        keep_contrast: Whether `x` is divided by `1 - t`; see `Deblurring`.

    Raises:
        ValueError: If `max_rectangles` is not 1 to 1000, `side_range` is not two ordered numbers in
            (0, 1], `masks` is malformed, or (in `draw`) its sides are not those of the images times
            a power of two.

    Example:
        >>> task = keras_ms.tasks.Inpainting()
        >>> example = task.draw(keras.ops.ones((4, 64, 64, 3)), keras.ops.array([0, 1]))
        >>> example["mask"].shape
        TensorShape([4, 64, 64, 3])
    """

    # A cropped image has smaller holes relative to its sides, so not under crops.
    invariant_under = frozenset({"coarsen"})

    def __init__(
        self,
        max_rectangles: int = 3,
        side_range: tuple[float, float] = (1 / 12, 1 / 6),
        masks: Any = None,
        t_range: tuple[float, float] = (0.0, 0.1),
        conditional: bool = False,
        keep_contrast: bool = False,
    ) -> None:
        super().__init__(t_range, conditional, keep_contrast)
        low, high = pair_of_floats(side_range)
        counts = isinstance(max_rectangles, numbers.Integral) and 1 <= max_rectangles <= MOST
        if not counts or not 0.0 < low <= high <= 1.0:
            raise ValueError(
                f"`max_rectangles` is 1 to {MOST:,}, and `side_range` is two ordered fractions in "
                "(0, 1]. "
                f"Received: max_rectangles={max_rectangles}, side_range={side_range}."
            )
        self.max_rectangles, self.side_range = int(max_rectangles), (low, high)
        self._masks = None if masks is None else _as_field(masks)

    def draw(self, images: Tensor, seed: Tensor) -> Example:
        """Draws noise, `t` and the mask; see `Task.draw`."""
        noise_seed, mask_seed = tf.unstack(tf.random.split(seed, 2))
        example = super().draw(images, noise_seed)
        return {**example, "mask": self._draw_mask(example["clean"], mask_seed)}

    def restrict(self, example: Example) -> Example:
        """Restricts image, noise and, by majority, the mask; see `Task.restrict`."""
        return {**super().restrict(example), "mask": restriction.majority(example["mask"])}

    def degrade(self, example: Example) -> Tensor:
        """The image with its missing pixels set to 0."""
        missing = keras.ops.max(example["mask"], axis=-1, keepdims=True)
        return example["clean"] * (1.0 - missing)

    def _draw_mask(self, images: Tensor, seed: Tensor) -> Tensor:
        sides, count = tuple(images.shape[1:-1]), keras.ops.shape(images)[0]
        if self._masks is None:
            mask = draw_rectangles(count, sides, self.max_rectangles, self.side_range, seed)
        else:
            masks = _restricted(self._masks, sides)
            chosen = tf.random.stateless_uniform((count,), seed, maxval=len(masks), dtype=tf.int32)
            mask = tf.gather(masks, chosen)
        return tf.cast(mask, images.dtype)


def _restricted(finest: np.ndarray, sides: tuple[int, ...]) -> Tensor:
    masks = tf.constant(finest)
    while tuple(masks.shape[1:-1]) != sides:
        halved = tuple(side // 2 for side in masks.shape[1:-1])
        if len(halved) != len(sides) or any(h < s for h, s in zip(halved, sides, strict=True)):
            raise ValueError(
                "Masks must be as large as the finest images. Received: masks of size "
                f"{finest.shape[1:-1]}, images of size {sides}."
            )
        masks = restriction.majority(masks)
    return masks


def _as_field(masks: Any) -> np.ndarray:
    array = np.asarray(masks)
    if array.ndim not in (2, 3, 4) or array.size == 0 or array.dtype == object:
        raise ValueError(
            "`masks` has the shape (count, *spatial), nonzero where a pixel is missing. "
            f"Received: shape {array.shape}."
        )
    return (array != 0).astype("float32")[..., np.newaxis]
