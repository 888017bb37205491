"""Denoising of images with a random amount of white noise."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_ms import restriction
from keras_ms.tasks.task import Example, Task, Tensor


class Denoising(Task):
    """Recovers `u` from `x = t u + (1 - t) z`, `z ~ N(0, 1)` (section 4.1 of the paper).

    `t` is drawn uniformly once per image: 1 is a clean image, 0 is pure noise. Restriction takes
    block means of `u`, twice the block means of `z` (in 2-D) so that its variance stays 1, and
    leaves `t` alone; so every level has the same noise as the finest.

    Args:
        t_range: Bounds `(low, high)` of `t`, `0 <= low <= high <= 1`. Defaults to the paper's
            `(0.0, 1.0)`.
        conditional: Whether the network is told `t`. If so, `x` is the dictionary
            `{"image": (batch, *spatial, channels), "noise_level": (batch, 1)}`; if not (the
            default, "blind"), it is the noisy image alone.

    Raises:
        ValueError: If `t_range` is not two ordered numbers in [0, 1].

    Example:
        >>> task = keras_ms.tasks.Denoising()
        >>> example = task.draw(keras.ops.zeros((4, 32, 32, 3)), seed=(0, 1))
        >>> x, y = task.pair(task.restrict(example))
        >>> x.shape, y.shape
        (TensorShape([4, 16, 16, 3]), TensorShape([4, 16, 16, 3]))
    """

    def __init__(
        self, t_range: tuple[float, float] = (0.0, 1.0), conditional: bool = False
    ) -> None:
        try:
            low, high = (float(bound) for bound in t_range)
        except (TypeError, ValueError):
            low, high = 1.0, 0.0  # not two numbers: refused below
        if not 0.0 <= low <= high <= 1.0:
            raise ValueError(
                "`t_range` holds two ordered numbers in [0, 1]; t = 1 is a clean image. "
                f"Received: t_range={t_range}."
            )
        self.t_range = (low, high)
        self.conditional = conditional

    def draw(self, images: Tensor, seed: Tensor) -> Example:
        """Draws the noise field and `t`; see `Task.draw`."""
        noise_seed, level_seed = tf.unstack(tf.random.split(seed, 2))
        images = tf.convert_to_tensor(images)
        shape = tf.shape(images)
        noise = tf.random.stateless_normal(shape, noise_seed, dtype=images.dtype)
        t = tf.random.stateless_uniform(
            (shape[0], 1), level_seed, *self.t_range, dtype=images.dtype
        )
        return {"clean": images, "noise": tf.ensure_shape(noise, images.shape), "t": t}

    def restrict(self, example: Example) -> Example:
        """Restricts the image and, with its variance kept, the noise; see `Task.restrict`."""
        return {
            "clean": restriction.average(example["clean"]),
            "noise": restriction.restrict_noise(example["noise"]),
            "t": example["t"],
        }

    def pair(self, example: Example) -> tuple[Any, Any]:
        """Returns the noisy image (with `t` if conditional) and the clean one."""
        clean, t = example["clean"], example["t"]
        weight = keras.ops.reshape(t, (-1, *(1,) * (len(clean.shape) - 1)))
        noisy = weight * clean + (1.0 - weight) * example["noise"]
        return ({"image": noisy, "noise_level": t} if self.conditional else noisy), clean
