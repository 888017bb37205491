"""Options of a `MultiscaleDataset`: what is refused, and what batches are made by them."""

from __future__ import annotations

import numbers
from typing import Any

import tensorflow as tf

from keras_ms.data.inputs import examples_of
from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.stages import dims_told, hierarchy
from keras_ms.data.task_batches import TaskBatches
from keras_ms.levels import Levels
from keras_ms.tasks import Task
from keras_ms.validation import checked_refresh, checked_weights, known, shown, true_or_false


def batches_made(
    images: Any,
    task: Task | None,
    levels: Any,
    image_size: Any,
    flip: bool | None,
    of_task: dict[str, Any],
    of_pairs: dict[str, Any],
    **alike: Any,
) -> TaskBatches | PairBatches:
    """What makes the batches of a dataset: of clean images under a task, or of examples.

    Args:
        images: As in `MultiscaleDataset`, like all that follow.
        task: The task, or `None`.
        levels: The levels that are asked for.
        image_size: Sides of the finest mesh.
        flip: Whether samples are mirrored at random.
        of_task: Options that work with a task alone, `None` where they are left out.
        of_pairs: Likewise without one.
        **alike: Options of both.

    Raises:
        ValueError: If an option is of no use, or does not fit.
    """
    if task is None:
        check_unused("with a task", of_task)
        columns = {name: of_pairs.pop(name) for name in ("x", "y", "sample_weight")}
        examples = examples_of(images, **columns, spatial_dims=dims_told(levels, image_size))
        return PairBatches(examples, levels, image_size, flip=bool(flip), **of_pairs, **alike)
    check_unused("without a task", of_pairs | {"rotate": of_pairs["rotate"] or None})
    found = hierarchy(levels, image_size)
    sides = found.mesh_sizes(image_size)[0]
    normal: dict[str, Any] = {
        name: 0.5 if value is None else value for name, value in of_task.items()
    }
    flips = flip is None or flip
    return TaskBatches(images, task, found.fitted(len(sides)), sides, flip=flips, **normal, **alike)


def check_unused(where: str, options: dict[str, Any]) -> None:
    """Refuses options that were given where they mean nothing.

    Raises:
        ValueError: Naming them.
    """
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise ValueError(
            f"Options that work {where} alone. Received: "
            f"{', '.join(f'{name}={options[name]!r}' for name in given)}. Leave them out."
        )


def refresh_of(
    refresh: Any, levels: Levels, steps: int, telescoping: bool, allocation: str
) -> tuple[int, ...]:
    """Every how many steps each term is computed anew.

    Args:
        refresh: What was asked for; `None` for every step.
        levels: The hierarchy.
        steps: Steps of an epoch.
        telescoping: Whether steps hold a telescoping sum.
        allocation: Where batch sizes come from, `"given"` or `"measured"`.

    Raises:
        ValueError: If it does not fit.
    """
    if refresh is None:
        return ()
    if not telescoping or allocation == "measured":
        raise ValueError(
            "`refresh` is about the terms of a telescoping sum of given levels. Received: "
            f"refresh={shown(refresh)}, telescoping={telescoping}, levels {allocation}. Leave it "
            "out, or give batch sizes and telescoping=True."
        )
    return checked_refresh(refresh, levels.num_levels, steps)


def weights_of(control_weights: Any, levels: Levels) -> tuple[float, ...]:
    """How many times each coarser level is subtracted, one number per pair of levels, or none.

    Args:
        control_weights: What was asked for; `None` for 1.
        levels: The hierarchy.

    Raises:
        ValueError: If it does not fit.
    """
    return () if control_weights is None else checked_weights(control_weights, levels.num_levels)


def check_options(
    images: Any,
    task: Any,
    seed: Any,
    prefetch: Any,
    cache_bytes: Any,
    restriction: Any,
    **switches: Any,
) -> None:
    """Refuses options of the wrong kind.

    Args:
        images: As in `MultiscaleDataset`, like all that follow.
        task: The task, or `None`.
        seed: An integer.
        prefetch: A number of batches.
        cache_bytes: A number of bytes.
        restriction: A name.
        **switches: `True`, `False`, or `None` for the default.

    Raises:
        ValueError: Naming the first that is.
    """
    if images is None or not (task is None or isinstance(task, Task)):
        raise ValueError(
            "`images` are arrays or a tf.data.Dataset, `task` a keras_ms.tasks.Task or None. "
            f"Received: images of type {type(images).__name__}, task={shown(task)}. Use for "
            "example MultiscaleDataset(images, keras_ms.tasks.get('denoising'), ...): images come "
            "first."
        )
    if not (isinstance(seed, numbers.Integral) and isinstance(prefetch, numbers.Integral)):
        raise ValueError(
            f"`seed` and `prefetch` are integers. Received: seed={seed}, prefetch={prefetch}."
        )
    if not -(2**31) <= int(seed) < 2**31:
        raise ValueError(f"`seed` is an integer of 32 bits. Received: seed={seed}.")
    if prefetch < 0 and prefetch != tf.data.AUTOTUNE:
        raise ValueError(
            "`prefetch` is a number of batches, not negative, or tf.data.AUTOTUNE. "
            f"Received: prefetch={prefetch}."
        )
    if not isinstance(cache_bytes, numbers.Integral) or cache_bytes < 0:
        raise ValueError(
            f"`cache_bytes` is a number of bytes, 0 or more. Received: cache_bytes={cache_bytes}."
        )
    true_or_false(**switches)
    known(restriction, ("average", "stride"), "restriction", "restriction of pairs")
