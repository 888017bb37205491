"""The stages of a dataset: which levels a step holds, with which batches and weights."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Sequence
from typing import Any

from keras_ms import meshes
from keras_ms.levels import Levels, Stage
from keras_ms.meshes import MOST_DIMS
from keras_ms.validation import checked_weights, shown


def hierarchy(levels: Any, image_size: Any) -> Levels:
    """The levels that a dataset is asked for: `Levels`, batch sizes, or `"auto"`.

    Args:
        levels: What was asked for; `"auto"` means as many as the image size bears.
        image_size: Sides of the finest mesh. More than one integer tell the number of dimensions,
            too.

    Raises:
        ValueError: If `levels` is another word, the size is not known, or contradicts the levels.
    """
    if image_size is None:
        raise ValueError("With a task, `image_size` must be given. Received: None.")
    if not is_auto(levels):
        levels = levels if isinstance(levels, Levels) else Levels(levels)
        told = hasattr(image_size, "__len__")
        return levels.fitted(len(levels.mesh_sizes(image_size)[0])) if told else levels
    return deepest(image_size)


def dims_told(levels: Any, image_size: Any) -> int | None:
    """Spatial dimensions that levels or image size tell, or `None`."""
    told = levels.spatial_dims if isinstance(levels, Levels) else None
    axes = levels.spatial_axes if isinstance(levels, Levels) else None
    if told is None and hasattr(image_size, "__len__"):
        return len(image_size)
    # Only the last axis of three tells: those before it are axes of pictures and of volumes.
    return told or (MOST_DIMS if axes and max(axes) == MOST_DIMS - 1 else None)


def is_auto(levels: Any) -> bool:
    """Whether as many levels are asked for as the image size bears.

    Raises:
        ValueError: If `levels` is another word than `"auto"`.
    """
    if isinstance(levels, str) and levels != "auto":
        raise ValueError(
            f"`levels` are Levels, a tuple of batch sizes, or 'auto'. Received: "
            f"levels={shown(levels)}."
        )
    return isinstance(levels, str)


def deepest(image_size: int | Sequence[int], spatial_axes: Sequence[int] | None = None) -> Levels:
    """Levels whose sides halve evenly down to 16 pixels at least, with batch sizes 4, 8, 16 ...

    Args:
        image_size: Sides of the finest mesh; one integer for all, whose number is then unset.
        spatial_axes: As in `Levels`: only these axes are halved and counted.

    Raises:
        ValueError: If `image_size` holds anything but 1 to 3 positive integers, or an axis is
            none of theirs.

    Example:
        >>> keras_ms.data.stages.deepest((8, 64, 64), spatial_axes=(1, 2)).batch_sizes
        (4, 8, 16)
    """
    one_for_all = isinstance(image_size, numbers.Integral)
    levels = Levels((4,), spatial_axes=spatial_axes)  # type: ignore[arg-type]
    sides = meshes.sides_of(image_size, None, levels.dims)
    levels = levels if one_for_all else levels.fitted(len(sides))
    depth = meshes.most_levels(sides, levels.axes)
    return dataclasses.replace(levels, batch_sizes=tuple(4 * 2**level for level in range(depth)))


def stages_of(
    levels: Levels,
    telescoping: bool,
    control_weights: Sequence[float] = (),
    refresh: Sequence[int] = (),
) -> tuple[Stage, ...]:
    """The stages of a hierarchy, by finest level: all levels from there on, or that one alone.

    Args:
        levels: The hierarchy.
        telescoping: Whether steps hold the telescoping sum, or a plain batch of one level.
        control_weights: One per pair of levels, or none.
        refresh: One per level, or none.
    """
    if not telescoping:
        return tuple(Stage(level, (size,)) for level, size in enumerate(levels.batch_sizes))
    weights, steps = tuple(control_weights), tuple(refresh)
    return tuple(
        Stage(level, levels.batch_sizes[level:], weights[level:], _unless_ones(steps[level:]))
        for level in range(levels.num_levels)
    )


def _unless_ones(values: Sequence[Any]) -> tuple[Any, ...]:
    """The values, or none if all of them are 1, which says nothing."""
    return tuple(values) if set(values) - {1} else ()


def checked_stage(levels: Levels, stage: Stage) -> Stage:
    """The stage with its sizes as integers and its weights as floats.

    Raises:
        ValueError: If sizes are no positive integers, or more than there are levels, or there is
            not one weight per pair of them, or one entry of `refresh` per size.
    """
    sizes = levels.checked_sizes(stage.finest, stage.batch_sizes)
    weights = stage.control_weights and checked_weights(stage.control_weights, len(sizes))
    if stage.refresh and len(stage.refresh) != len(sizes):
        raise ValueError(
            "`refresh` has one entry per batch size. Received: "
            f"refresh={stage.refresh}, batch_sizes={sizes}."
        )
    return Stage(stage.finest, sizes, _unless_ones(weights), _unless_ones(stage.refresh))


def checked_stages(levels: Levels, stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """The stages of every finest level, each checked; a finer one may stand in for a level's own.

    Raises:
        ValueError: If there is not one for every level, finest first, or one does not fit.
    """
    ordered = all(stage.finest <= level for level, stage in enumerate(stages))
    if len(stages) != levels.num_levels or not ordered:
        raise ValueError(
            "One stage is needed for every level, finest first. Received: "
            f"stages={tuple(stages)} for {levels.num_levels} levels."
        )
    return tuple(checked_stage(levels, stage) for stage in stages)
