"""Pairs that are degraded on the finest mesh and then restricted, for less than that costs.

The steps of coarse levels are cheap, so what their batches cost counts. Noise enters a pair as a
term of a sum, and white noise that is restricted is white noise again. So it is drawn where it ends
and not on the finest mesh, which has the same distribution. Of a blurred image of which every
second pixel is kept, the others are not computed.
"""

from __future__ import annotations

from typing import Any, TypeGuard

import keras
import tensorflow as tf

from keras_ms import restriction
from keras_ms.tasks.blur import gaussian_blur
from keras_ms.tasks.checks import called
from keras_ms.tasks.deblurring import Deblurring
from keras_ms.tasks.denoising import Denoising
from keras_ms.tasks.inpainting import Inpainting
from keras_ms.tasks.noisy import NoisyTask, seen
from keras_ms.tasks.super_resolution import SuperResolution
from keras_ms.tasks.task import Task, Tensor
from keras_ms.tasks.white_noise import white_noise

# Not classes derived from them, which may draw another noise.
KNOWN = (Denoising, Deblurring, Inpainting, SuperResolution)
NOISE = 7  # which part of a seed draws the noise


def is_known(task: Task) -> TypeGuard[NoisyTask]:
    """Whether `restricted_pair` has the distribution of the task's own pairs, restricted."""
    return type(task) in KNOWN


def commutes(task: Task, by: str) -> bool:
    """Whether it makes no difference if images are restricted before they are degraded.

    So it is with noise alone if every second pixel is kept.
    """
    return type(task) is Denoising and by == "stride"


def restricted_pair(task: NoisyTask, clean: Tensor, seed: Tensor, times: int, by: str) -> Any:
    """A pair of the finest mesh, restricted.

    Args:
        task: A task that `is_known`.
        clean: Images of the finest mesh, `(batch, *spatial, channels)`.
        seed: Of the draw.
        times: How often it is restricted.
        by: `"average"` or `"stride"`.

    Returns:
        `(x, y)`, distributed like `task.pair(task.draw(clean, seed))` restricted so often.
    """
    # In a graph: the noise that is drawn here is not used, and so not computed.
    example = called(task, "draw", clean, seed)
    degraded = _restricted_degradation(task, example, times, by)
    spread = 1.0 if by == "stride" else 2.0 ** (-times * (len(clean.shape) - 2) / 2.0)
    noise_seed = tf.random.fold_in(seed, NOISE)
    noise = spread * white_noise(keras.ops.shape(degraded), noise_seed, degraded.dtype)
    return seen(task, degraded, noise, example["t"]), _restricted(clean, times, by)


def _restricted_degradation(task: NoisyTask, example: Any, times: int, by: str) -> Tensor:
    if isinstance(task, Deblurring) and by == "stride":
        return gaussian_blur(example["clean"], task.sigma, task.border, 2**times)
    return _restricted(called(task, "degrade", example), times, by)


def _restricted(field: Tensor, times: int, by: str) -> Tensor:
    for _ in range(times):
        field = restriction.get(by)(field)
    return field
