"""A fixed set of pairs on the finest mesh, for validation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import tensorflow as tf

from keras_ms.data.dataset_options import check_options
from keras_ms.data.prompt_end import ending_promptly
from keras_ms.data.pyramid import MAX_BAD_FRACTION
from keras_ms.data.room import check_samples
from keras_ms.data.task_batches import TaskBatches
from keras_ms.levels import Levels, Stage
from keras_ms.tasks import Task
from keras_ms.validation import positive_integer


def evaluation_pairs(
    images: Iterable[Any],
    task: Task,
    image_size: int | Sequence[int],
    samples: int = 64,
    batch_size: int = 16,
    mean: float | Sequence[float] = 0.5,
    std: float | Sequence[float] = 0.5,
    seed: int = 0,
    max_bad_fraction: float = MAX_BAD_FRACTION,
) -> tf.data.Dataset:
    """Draws random crops and their degradation once and returns them as `validation_data`.

    Args:
        images: Clean images that are *not* trained on, as `MultiscaleDataset` takes them.
        task: The task.
        image_size: Sides of the crops, in pixels.
        samples: Number of crops, spread evenly over the images.
        batch_size: Batch size.
        mean: As in `MultiscaleDataset`; must be the same.
        std: Likewise.
        seed: Same seed, same crops and noise.
        max_bad_fraction: As in `MultiscaleDataset`.

    Returns:
        A finite dataset of batched `(x, y)`, held in memory: every epoch sees the same pairs.

    Raises:
        ValueError: As `MultiscaleDataset`.

    Example:
        >>> pairs = keras_ms.data.evaluation_pairs(
        ...     keras_ms.data.photos("validation"), keras_ms.tasks.Denoising(), 64, samples=8)
        >>> len(pairs)
        1
    """
    if task is None:
        raise ValueError("`task` is a keras_ms.tasks.Task here. Received: task=None.")
    check_options(images, task, seed, 0, 0, "average")
    samples = positive_integer(samples, "samples")
    batch_size = positive_integer(batch_size, "batch_size")
    levels = Levels((samples,), _rank(image_size))
    sides = levels.mesh_sizes(image_size)[0]
    batches = TaskBatches(
        images,
        task,
        levels,
        sides,
        "task",
        "average",
        False,
        mean,
        std,
        seed,
        max_bad_fraction=max_bad_fraction,
    )
    stream = batches.stream(Stage(0, levels.batch_sizes), 0)
    check_samples(samples, stream.element_spec.fine[0])
    drawn = next(iter(stream)).fine[0]
    return ending_promptly(tf.data.Dataset.from_tensor_slices(drawn).batch(batch_size))


def _rank(image_size: int | Sequence[int]) -> int:
    return len(image_size) if hasattr(image_size, "__len__") else 2
