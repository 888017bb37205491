"""What each tensor of a user's own example is: an image, a class map, a weight, a label ..."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.examples import PARTS, leaf_names
from keras_ms.data.likely_faults import (
    PER_POINT,
    check_channel_axis,
    check_no_map,
    check_no_points,
    lacking_channels,
)

ROLES = ("image", "class_map", "weight", "label", "coordinates")
"""What a leaf can be said to be.

`image` and `weight` are averaged; of a `class_map` the most frequent class of a block is taken;
`coordinates`, in pixels of the finest mesh, are divided; a `label` is the same on every level.
"""
OF_INTEGERS = "a target of integers"
OF_FLOATS = "a target of floats"
FIELDS = ("image", "class_map", "weight")


class Leaf(NamedTuple):
    """One tensor of an example.

    Attributes:
        name: As `leaf_names` calls it.
        role: One of `ROLES`.
        reason: Why it is taken for that, for people.
        shape: Its shape without a batch axis, as the source tells it; unknown sides are `None`.
        dtype: Its type in the source, a `tf.DType`.
        ratio: Its sides divided by those of the mesh; `None` if it is not a field on the mesh.
        channels: Whether a field has a channel axis.
        unit_axes: Axes of one entry that batches get behind, so that a weight of whole examples
            meets the values of pixels.
    """

    name: str
    role: str
    reason: str
    shape: tuple[int | None, ...]
    dtype: Any
    ratio: Fraction | None = None
    channels: bool = False
    unit_axes: int = 0

    @property
    def made_dtype(self) -> Any:
        """The type that batches hold: what is averaged or divided comes out as floats."""
        averaged = self.role in ("image", "coordinates") or (
            self.role == "weight" and self.ratio is not None
        )
        return self.dtype if self.dtype.is_floating or not averaged else tf.float32


def dims_of(spec: Any) -> int:
    """Spatial dimensions of examples, of which nothing else is told: their largest tensor's axes.

    Raises:
        ValueError: If a shape is not known, or no tensor has spatial axes and one of channels.
    """
    shapes = [leaf.shape for leaf in keras.tree.flatten(spec)]
    if any(shape.rank is None for shape in shapes):
        raise ValueError(
            "The shapes of an example must be known. "
            f"Received: examples {spec}. Use `.map(...)` with tf.ensure_shape."
        )
    dims = max(shape.rank for shape in shapes) - 1
    by_name = dict(zip(leaf_names(spec), keras.tree.flatten(spec), strict=True))
    check_channel_axis(by_name, dims)
    if not 1 <= dims <= 3:
        sides = {name: tuple(side or 0 for side in leaf.shape) for name, leaf in by_name.items()}
        raise ValueError(
            "No tensor of an example is an image: 1 to 3 spatial axes, then one of channels. "
            f"Received: examples {spec}. {lacking_channels(sides, dims + 1)}".rstrip()
        )
    return dims


Told = Mapping[str, tuple[str, str]]
"""Roles, and why, by name of leaf."""


def mesh_leaf(spec: Any, first: Any, dims: int, said: Told) -> int:
    """Number of the leaf whose sides are the mesh: the largest image or map, a target if equal.

    Args:
        spec: The structure of an example.
        first: The first example, whose sides are known.
        dims: Number of spatial dimensions.
        said: Roles that are said.

    Raises:
        ValueError: If no leaf can be an image.
    """
    names = leaf_names(spec)
    shapes = [np.shape(leaf) for leaf in keras.tree.flatten(first)]

    def area(number: int) -> tuple[float, bool]:
        sides, role = shapes[number][:dims], said.get(names[number], ("",))[0]
        image = len(shapes[number]) == dims + 1 and max(sides) > 1
        map_ = len(shapes[number]) == dims and role in FIELDS
        if role in ("label", "coordinates") or not (image or map_):
            return 0.0, False
        return float(np.prod(sides, dtype=np.float64)), names[number].startswith("y")

    largest = max(range(len(names)), key=area)
    if not area(largest)[0]:
        found = dict(zip(names, shapes, strict=True))
        raise ValueError(
            f"No tensor of an example is an image with {dims} spatial dimensions and a channel "
            f"axis. Received: examples of shapes {found}. {lacking_channels(found, dims)}Use "
            "`.unbatch()` if they are batches. Else leave out `spatial_dims` of Levels (axes of "
            "`spatial_axes` count from 0), and give image_size as one number: dimensions are "
            "found in the data."
        )
    return largest


def leaves_of(
    spec: Any,
    first: Any,
    dims: int,
    said: Told,
    told: Told | None = None,
) -> tuple[Leaf, ...]:
    """Decides what every leaf of an example is.

    Args:
        spec: The structure of an example, of `tf.TensorSpec` without a batch axis.
        first: The first example, of NumPy arrays.
        dims: Number of spatial dimensions.
        said: Roles that the user, or the source, says.
        told: Roles of targets that a loss tells.

    Raises:
        ValueError: If a leaf may be anything, or does not fit its role.
    """
    values = [np.asarray(leaf) for leaf in keras.tree.flatten(first)]
    mesh = values[mesh_leaf(spec, first, dims, said)].shape[:dims]
    found = []
    for name, leaf, value in zip(leaf_names(spec), keras.tree.flatten(spec), values, strict=True):
        of = Leaf(name, "label", "", tuple(leaf.shape), leaf.dtype)
        found.append(_decided(of, value, mesh, said.get(name), (told or {}).get(name)))
    return tuple(found)


def _decided(leaf: Leaf, value: np.ndarray, mesh: tuple[int, ...], said: Any, told: Any) -> Leaf:
    known = told if not said and told and told[0] not in FIELDS else said
    field = known[0] in FIELDS if known else _is_field(leaf, value, mesh)
    if not field:
        role, reason = known or ("label", "no image")
        if not known and leaf.name.startswith(PARTS[2]):
            role, reason = "weight", "sample weights"
        if not known:
            check_no_map(leaf.name, value, mesh)
        if not known and role == "label":
            check_no_points(leaf.name, value)
        return leaf._replace(role=role, reason=reason)
    role, reason = said or told or _by_part(leaf, value, len(mesh))
    if role == "weight" and value.ndim < len(mesh):
        return leaf._replace(role=role, reason=reason)
    ratio = _ratio(leaf, value, mesh)
    return leaf._replace(
        role=role, reason=reason, ratio=ratio, channels=value.ndim == len(mesh) + 1
    )


def _by_part(leaf: Leaf, value: np.ndarray, dims: int) -> tuple[str, str]:
    part = leaf.name.partition("/")[0]
    if part == "x":
        return "image", "an input"
    if part == PARTS[2]:
        return "weight", "sample weights"
    if leaf.dtype.is_floating:
        return "image", OF_FLOATS
    bands = value.shape[-1] if value.ndim > dims else 1
    if bands > 1 and (value.max() > 1 or value.min() < 0):  # 0 and 1 may be one class a band
        return "image", "a target of integers in several bands"
    return "class_map", OF_INTEGERS


def _is_field(leaf: Leaf, value: np.ndarray, mesh: tuple[int, ...]) -> bool:
    sides = value.shape[: len(mesh)]
    if value.ndim == len(mesh) + 1:
        return max(sides) > 1
    if value.ndim != len(mesh) or max(sides, default=1) == 1:
        return False
    if sides == mesh:
        return True
    # A vector as long as a coarse mesh is a label; a few boxes may look like a small map.
    return len(mesh) > 1 and sides[-1] not in PER_POINT and _factor(sides, mesh) is not None


def _factor(sides: tuple[int, ...], mesh: tuple[int, ...]) -> Fraction | None:
    if len(sides) != len(mesh) or not all(sides):
        return None
    ratios = {Fraction(side, whole) for side, whole in zip(sides, mesh, strict=True)}
    ratio = ratios.pop()
    whole = 1 in (ratio.numerator, ratio.denominator)
    return ratio if not ratios and whole else None


def _ratio(leaf: Leaf, value: np.ndarray, mesh: tuple[int, ...]) -> Fraction:
    sides = value.shape[: len(mesh)]
    ratio = _factor(sides, mesh)
    if ratio is None:
        raise ValueError(
            "Input and target have incompatible sizes: one must be the other's times a whole "
            f"number, the same along every axis. Received: {leaf.name} of sizes {sides} and "
            f"{mesh}. If {leaf.name} is no image, say so: roles={{'{leaf.name}': 'label'}}."
        )
    return ratio
