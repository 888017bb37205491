"""Whether examples fit each other, the levels and the windows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_ms.data.geometry import Window
from keras_ms.data.points import check_unmoved
from keras_ms.data.roles import Leaf
from keras_ms.data.values import Values
from keras_ms.meshes import sides_of


def crop_sides(
    leaves: tuple[Leaf, ...], image_size: Any, dims: int, alike: bool = True
) -> tuple[tuple[int, ...], bool]:
    """Sides of the finest windows, and whether they are whole examples.

    Args:
        leaves: What the tensors of an example are.
        image_size: The sides asked for, one for all or one per dimension, or `None`.
        dims: Number of spatial dimensions.
        alike: Whether all examples are known to have the sides of the leaves; else those are the
            sides of the first.

    Raises:
        ValueError: If sides are needed and not given, or larger than examples of one size.
    """
    fields = [(leaf, leaf.shape[:dims]) for leaf in leaves if leaf.ratio]
    mesh, known = max((of for of in fields if of[0].ratio == 1), key=lambda of: of[0].name)
    if image_size is None:
        for leaf, sides in fields:
            if None in sides:
                raise ValueError(
                    "Images of one dataset must all have one known size, or be cropped. "
                    f"Received: {leaf.name} of shape {leaf.shape}. Pass `image_size`, such as "
                    "image_size=128, for random crops. Or make examples of one size: files "
                    "beforehand, tf.data by `.map(...)` with tf.image.resize and tf.ensure_shape."
                )
        return tuple(int(side) for side in known if side is not None), True
    wanted = sides_of(image_size, dims, dims)
    if None in known or not alike:
        return wanted, False
    if any(have < want for have, want in zip(known, wanted, strict=True) if have is not None):
        raise ValueError(
            f"Crops cannot be larger than the examples. Received: image_size {wanted}, "
            f"{mesh.name} of size {known}. Use a smaller image_size."
        )
    return wanted, known == wanted


def check_levels(
    leaves: tuple[Leaf, ...],
    windows: tuple[Window, ...],
    axes: tuple[int, ...],
    whole: bool,
    flip: bool,
    rotate: bool,
) -> None:
    """Checks that every leaf can be seen on every level.

    Raises:
        ValueError: If sides do not halve evenly, a shape is not known, or coordinates or turns do
            not go with the windows.
    """
    depth = max(window.pyramid_level for window in windows)
    for leaf in leaves:
        if leaf.ratio is not None:
            _check_halves(leaf, windows, axes)
        elif None in leaf.shape:
            raise ValueError(
                "What is no image must have one shape, or it makes no batch. Received: "
                f"{leaf.name} of shape {leaf.shape}. Pad it to one shape."
            )
        if leaf.role == "coordinates":
            plain = whole and not flip and not rotate and depth == len(windows) - 1
            if not plain or len(axes) != len(windows[0].sides):
                raise ValueError(
                    "Coordinates are divided from level to level, but neither cropped, flipped "
                    f"nor turned. Received: {leaf.name} with roles='coordinates', and crops "
                    "(image_size or coarsening), flip, rotate or spatial_axes. Leave these out."
                )
    sides = windows[0].sides[-2:]
    if rotate and (len(sides) < 2 or sides[0] != sides[1]):
        raise ValueError(
            "Only squares look alike when turned by 90 degrees. Received: rotate=True, image size "
            f"{windows[0].sides}. Pass a square image_size, or rotate=False."
        )


def check_positions(
    leaves: tuple[Leaf, ...],
    found: Mapping[str, Values],
    said: Collection[str],
    moved_by: Sequence[str],
) -> None:
    """Checks that no leaf names places of images that are moved, and stays as it is.

    Args:
        leaves: What the tensors of an example are.
        found: Their values in the examples that were looked at, by name.
        said: Names of leaves of which it is said what they are.
        moved_by: What moves pixels, in words.

    Raises:
        ValueError: If one looks like it.
    """
    for leaf in leaves:
        if leaf.role == "label" and leaf.name not in said:
            shape = tuple(leaf.shape)
            values = found.get(leaf.name, Values())
            check_unmoved(leaf.name, shape, values, leaf.dtype.is_floating, moved_by)


def _check_halves(leaf: Leaf, windows: tuple[Window, ...], axes: tuple[int, ...]) -> None:
    assert leaf.ratio is not None
    for window in windows:
        for axis in axes:
            parts = (window.sides[axis] * leaf.ratio, window.offset[axis] * leaf.ratio)
            if any(part.denominator > 1 for part in parts) or parts[0] < 1:
                fine = tuple(int(side * leaf.ratio) for side in windows[0].sides)
                factor = 2 ** (len(windows) - 1)
                raise ValueError(
                    f"Every side must be divisible by 2**(levels - 1) = {factor}. "
                    f"Received: levels={len(windows)}, a field of size {fine} ({leaf.name})."
                )


def admits(example: Any, leaves: tuple[Leaf, ...], sides: tuple[int, ...], whole: bool) -> str:
    """Why an example cannot be used, or an empty string.

    Args:
        example: The example, of NumPy arrays.
        leaves: What its tensors are to be.
        sides: Sides of the finest window.
        whole: Whether windows are whole examples.
    """
    values = [np.asarray(leaf) for leaf in keras.tree.flatten(example)]
    if len(values) != len(leaves):
        return f"{len(values)} tensors, not {len(leaves)}"
    place = next(k for k, leaf in enumerate(leaves) if leaf.ratio == 1)
    mesh = values[place].shape[: len(sides)]
    if any(a < b for a, b in zip(mesh, sides, strict=False)):
        return f"of size {mesh}, smaller than {sides}"
    for leaf, value in zip(leaves, values, strict=True):
        reason = _wrong_shape(leaf, value, mesh, leaves[place].name)
        if reason:
            return f"{leaf.name} {reason}"
        if leaf.dtype.is_floating and not np.all(np.isfinite(value)):
            return f"{leaf.name} has values that are not finite"
    return "" if not whole or mesh == sides else f"of size {mesh}, not {sides}"


def _wrong_shape(leaf: Leaf, value: np.ndarray, mesh: tuple[int, ...], of_mesh: str) -> str:
    wanted: tuple[Any, ...] = leaf.shape
    if leaf.ratio is not None:
        exact = tuple(side * leaf.ratio for side in mesh)
        wanted = (*exact, *leaf.shape[len(mesh) :])
    fits = len(wanted) == value.ndim and all(
        want is None or have == want for have, want in zip(value.shape, wanted, strict=True)
    )
    if fits:
        return ""
    beside = f" beside {of_mesh} of size {mesh}" if leaf.ratio is not None else ""
    return f"has the shape {value.shape}, expected is ({_shown(wanted)}){beside}"


def _shown(shape: tuple[Any, ...]) -> str:
    sides = ["any" if side is None else f"{float(side):g}" for side in shape]
    return ", ".join(sides) + "," * (len(sides) == 1)
