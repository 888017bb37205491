"""Which window of which pyramid level each level of the hierarchy sees. Pure Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from keras_ms.meshes import checked_axes
from keras_ms.validation import known, shown

COARSENINGS = ("task", "degrade_first", "crop", "coarsen_and_crop")
AUTO = "auto"
OFFERED = ("auto", "task", "degrade_first", "crop", "coarsen_and_crop")
"""What may be asked for: one of the above, or that measured gradients choose."""


class Window(NamedTuple):
    """The part of an image that one level sees.

    Attributes:
        pyramid_level: How many times the image has been coarsened (along the axes that are).
        sides: Sides of the window in pixels of that pyramid level.
        offset: Its corner relative to the corner of the finest window, in the same pixels.
    """

    pyramid_level: int
    sides: tuple[int, ...]
    offset: tuple[int, ...]


def transitions(coarsening: str, num_levels: int) -> tuple[str, ...]:
    """What happens from each level to the next coarser one: `"coarsen"` or `"crop"`.

    All coarsen with `"task"` and `"degrade_first"`, all crop with `"crop"`; with
    `"coarsen_and_crop"` the two alternate, coarsening first, so that a level has the same number
    of pixels, and costs the same, under every strategy.

    Raises:
        ValueError: If `coarsening` is not one of `COARSENINGS`.
    """
    known(coarsening, COARSENINGS, "coarsening", "coarsening")
    cycle = {"crop": ("crop",), "coarsen_and_crop": ("coarsen", "crop")}.get(
        coarsening, ("coarsen",)
    )
    return tuple(cycle[level % len(cycle)] for level in range(num_levels - 1))


def words(coarsening: Any, num_levels: int) -> tuple[str, ...]:
    """The coarsening of the stage with each finest level, of one word for all or a word for each.

    `"auto"` counts as `"task"` until it is decided.

    Args:
        coarsening: One of `OFFERED`, or one of `COARSENINGS` for every level, finest first.
        num_levels: Number of levels.

    Raises:
        ValueError: If a word is unknown, or there is not one for every level.
    """
    if isinstance(coarsening, str):
        known(coarsening, OFFERED, "coarsening", "coarsening")
        return ("task" if coarsening == AUTO else coarsening,) * num_levels
    listed = tuple(coarsening) if isinstance(coarsening, Sequence) else ()
    if len(listed) != num_levels or not set(listed) <= set(COARSENINGS):
        raise ValueError(
            "`coarsening` is one word, or one for every level, finest first. Received: "
            f"coarsening={shown(coarsening)} for {num_levels} levels. Use some of {COARSENINGS}."
        )
    return listed


def windows(
    sides: tuple[int, ...], steps: tuple[str, ...], axes: Sequence[int] | None = None
) -> tuple[Window, ...]:
    """Windows of all levels, finest first, for a finest mesh of `sides` and `transitions`.

    A crop takes the central half of the window it is given, so the window of every level is a
    fixed function of the finest one. That is what makes the two occurrences of a level in the
    telescoping sum draws from the same distribution.

    Args:
        sides: Sides of the finest mesh.
        steps: What happens from each level to the next, as `transitions` says.
        axes: Spatial axes that are coarsened or cropped, counted from 0; windows go over all of
            the others. Defaults to all.

    Raises:
        ValueError: If a crop's margin is not whole on a mesh that sees it, or an axis is none.
    """
    halved = checked_axes(axes, len(sides))
    found = [Window(0, sides, (0,) * len(sides))]
    for step in steps:
        level, outer, offset = found[-1]
        half = tuple(s // 2 if axis in halved else s for axis, s in enumerate(outer))
        if step == "coarsen":
            found.append(Window(level + 1, half, tuple(o // 2 for o in offset)))
        else:
            margin = tuple(
                o + outer[axis] // 4 if axis in halved else o for axis, o in enumerate(offset)
            )
            found.append(Window(level, half, margin))
    _check_whole(found, steps, halved)
    return tuple(found)


def _check_whole(found: list[Window], steps: tuple[str, ...], halved: tuple[int, ...]) -> None:
    for step, (_, sides, offset) in zip(steps, found, strict=False):
        divisor, margins = (4, (0,) * len(sides)) if step == "crop" else (2, offset)
        if any(sides[axis] % divisor or margins[axis] % divisor for axis in halved):
            raise ValueError(
                "The central crops of the coarser levels must begin at whole pixels. Received: "
                f"image size {found[0].sides}, whose {sides} window at offset {offset} is to "
                f"{step}. Use sides divisible by {2 ** (len(steps) + 1)}."
            )
