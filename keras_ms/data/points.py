"""What may be boxes or key points: numbers that go with pixels, and are no pixels themselves.

Left as they are, they point at another place on a coarse mesh; averaged, at none. So they are asked
about where they look like it, and left alone where nothing but a guess says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ms.data.values import Columns, Values

FEW = 5
"""Most numbers of a point or a box; most points that a small map may be as well."""
_WORDS = (
    "bbox",
    "box",
    "center",
    "centre",
    "centroid",
    "coord",
    "coordinate",
    "corner",
    "joint",
    "keypoint",
    "kp",
    "kpt",
    "landmark",
    "point",
    "polygon",
    "vertex",
    "vertice",
    "xy",
    "xywh",
    "xyxy",
)
_ENDINGS = ("box", "coord", "coordinate", "keypoint", "landmark", "xywh", "xyxy")
_RELATIVE = 1.5
"""What relative coordinates do not exceed."""
_OF_SIDE = 0.25
"""Part of the image that whole numbers span in pixels; classes and counts are smaller."""
_BEYOND = 4.0
"""Times the image's side that coordinates in pixels may be."""


def named_like_points(name: str) -> bool:
    """Whether a tensor is called like coordinates, such as `y/gt_boxes`; `viewpoint` is not."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = [word.lower() for word in re.findall("[A-Za-z]+", apart)]
    words = [word if word in _WORDS else word.removesuffix("s").removesuffix("e") for word in words]
    words += [f"{word}e" for word in words]
    return any(word in _WORDS or word.endswith(_ENDINGS) for word in words)


def look_like_pixels(
    name: str, shape: Sequence[Any], values: Values, sides: Sequence[int], integers: bool = False
) -> bool:
    """Whether at least two places along the last axis look like coordinates in pixels.

    Args:
        name: Of the tensor.
        shape: Its shape in one example.
        values: What it is in the examples that were looked at.
        sides: Sides of the image.
        integers: Whether it is of integers; vectors and wide tables of those are labels, unless
            their name says otherwise.
    """
    columns, named = values.columns, named_like_points(name)
    if columns is None or not shape:
        return False
    if named:
        return int(np.sum(columns.high > _RELATIVE)) >= 2
    if integers and (len(shape) == 1 or shape[-1] > FEW):
        return False
    if columns.marks is None and (len(shape) == 1 or values.low < -max(sides)):
        return False  # scores have signs; places outside of the picture are rare
    return _in_pixels(columns, max(sides), narrow=shape[-1] <= FEW) >= 2


def _in_pixels(columns: Columns, side: int, narrow: bool) -> int:
    least = np.where(columns.whole, _OF_SIDE * side, _RELATIVE if narrow else _OF_SIDE * side)
    fits = (columns.high >= least) & (columns.high > _RELATIVE) & (columns.high <= _BEYOND * side)
    return int(np.sum(fits))


def check_no_points(
    name: str, shape: Sequence[Any], values: Values, sides: Sequence[int], integers: bool = False
) -> None:
    """Refuses what looks like boxes or key points in pixels, unless it is said what it is.

    Args:
        name: Of a tensor that does not lie on the mesh.
        shape: As in `look_like_pixels`, like all that follow.
        values: Likewise.
        sides: Likewise.
        integers: Likewise.

    Raises:
        ValueError: If it does.
    """
    if look_like_pixels(name, shape, values, sides, integers):
        raise ValueError(
            "Pixel coordinates (boxes, keypoints) are others on coarse levels, labels are not. "
            f"Received: {name} of shape {_shown(shape)}, values up to {values.high:g} in example "
            f"{values.high_in}. Say which they are: roles={{'{name}': 'coordinates'}}, 'label', or "
            "'class_map' if it is a map."
        )


def check_coordinates_alone(name: str, values: Values, sides: Sequence[int]) -> None:
    """Refuses classes and visibilities among coordinates, which are all divided.

    Args:
        name: Of a tensor that is said to hold coordinates.
        values: What it is in the examples that were looked at.
        sides: Sides of the image.

    Raises:
        ValueError: If a place along the last axis holds small whole numbers, beside fractions.
    """
    columns = values.columns
    if columns is None or columns.whole.all():
        return
    small = columns.whole & (columns.high > 0) & (columns.high < _OF_SIDE * max(sides))
    if small.any():
        place = int(np.argmax(small))
        raise ValueError(
            "Coordinates are all divided from level to level, class numbers and visibilities must "
            f"not be. Received: {name} with whole numbers up to {columns.high[place]:g} at place "
            f"{place} of the last axis. Give them apart: {{'points': y[..., :2], 'others': "
            "y[..., 2:]}, with a role for each."
        )


def check_small_map(
    name: str, shape: Sequence[Any], values: Values, sides: Sequence[int], integers: bool
) -> None:
    """Refuses a map so small that it may be points: two times two points of two numbers.

    Args:
        name: Of a tensor whose sides are those of the image divided by one number.
        shape: As in `look_like_pixels`, like all that follow.
        values: Likewise.
        sides: Likewise.
        integers: Whether it is of integers: a map of classes, if they are few.

    Raises:
        ValueError: If it is not said what it is.
    """
    rank = len(sides)
    small = max(shape[:rank]) <= FEW and 4 * max(shape[:rank]) <= max(sides)
    several = len(shape) > rank
    may_be = small and (not several or 2 <= shape[-1] <= FEW)
    if rank == 1 and several:  # any row of points fits some signal
        pixels = look_like_pixels(name, shape, values, sides) and shape[-1] <= FEW
        may_be = may_be or (pixels and 4 * shape[0] <= sides[0])
    classes = values.zero_and_one if several else _few_classes(values, sides, integers)
    if may_be and not classes:
        raise ValueError(
            "It cannot be seen whether a tensor is a small map, to be made coarser, or "
            f"coordinates, a table, a matrix. Received: {name} of shape {_shown(shape)} beside an "
            f"image of {_shown(sides)}. Say which: roles={{'{name}': 'coordinates'}} (in pixels), "
            "'label', 'image' or 'class_map'."
        )


def _few_classes(values: Values, sides: Sequence[int], integers: bool) -> bool:
    return integers and values.low >= 0 and values.high < max(2.0, _OF_SIDE * max(sides))


def check_unmoved(
    name: str, shape: Sequence[Any], values: Values, floats: bool, moved_by: Sequence[str]
) -> None:
    """Refuses relative boxes beside images that are flipped, turned or cropped.

    Args:
        name: Of a tensor that does not lie on the mesh.
        shape: As in `look_like_pixels`, like `values`.
        values: Likewise.
        floats: Whether it is of floats.
        moved_by: What moves pixels.

    Raises:
        ValueError: If it looks like it.
    """
    if not moved_by or not floats or values.whole or values.columns is None or not shape:
        return
    of_boxes = len(shape) > 1 and shape[-1] in (2, 4) and values.low >= 0 and values.high <= 1
    if of_boxes or (named_like_points(name) and len(values.columns.low) > 1):
        raise ValueError(
            "Relative coordinates do not go with their pixels when these are flipped, turned or "
            f"cropped. Received: {name} of shape {_shown(shape)}, values from {values.low:g} to "
            f"{values.high:g}, and {', '.join(moved_by)}. Leave that out; or say "
            f"roles={{'{name}': 'label'}} if it names no places."
        )


def _shown(shape: Sequence[Any]) -> str:
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"
