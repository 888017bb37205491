"""What each tensor of a user's own example is: an image, a class map, a weight, a label ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.examples import PARTS, leaf_names
from keras_ms.data.likely_faults import check_channel_axis, check_no_map, lacking_channels
from keras_ms.data.points import (
    FEW,
    check_coordinates_alone,
    check_no_points,
    check_small_map,
    named_like_points,
)
from keras_ms.data.values import Values

ROLES = ("image", "class_map", "weight", "label", "coordinates")
"""What a leaf can be said to be.

`image` and `weight` are averaged; of a `class_map` the most frequent class of a block is taken;
`coordinates`, in pixels of the finest mesh, are divided; a `label` is the same on every level.
"""
OF_INTEGERS = "a target of integers"
OF_FLOATS = "a target of floats"
NO_IMAGE = "no image"
SAID = "you say so"
OF_SOURCE = "the source says so"
FIELDS = ("image", "class_map", "weight")

Shape = tuple[int, ...]


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


def mesh_leaf(spec: Any, shapes: Sequence[Shape], dims: int, said: Told) -> int:
    """Number of the leaf whose sides are the mesh: the largest image or map, a target if equal.

    Args:
        spec: The structure of an example.
        shapes: Shapes of the first example, all sides known.
        dims: Number of spatial dimensions.
        said: Roles that are said.

    Raises:
        ValueError: If no leaf can be an image.
    """
    names = leaf_names(spec)

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


class Deciding(NamedTuple):
    """All that roles rest on, but for the values of examples.

    Attributes:
        spec: The structure of an example, of `tf.TensorSpec` without a batch axis.
        shapes: Shapes of the first example, all sides known.
        dims: Number of spatial dimensions.
        said: Roles that the user, or the source, says.
    """

    spec: Any
    shapes: tuple[Shape, ...]
    dims: int
    said: Told

    def leaves(self, found: Mapping[str, Values], told: Told | None = None) -> tuple[Leaf, ...]:
        """Decides what every leaf of an example is.

        Args:
            found: What the values of leaves are in examples that were looked at, by name.
            told: Roles of fields that a loss tells.

        Raises:
            ValueError: If a leaf may be anything, or does not fit its role.
        """
        place = mesh_leaf(self.spec, self.shapes, self.dims, self.said)
        mesh, decided = self.shapes[place][: self.dims], []
        specs = zip(keras.tree.flatten(self.spec), self.shapes, strict=True)
        for name, (leaf, shape) in zip(leaf_names(self.spec), specs, strict=True):
            of = _Seen(
                Leaf(name, "label", "", tuple(leaf.shape), leaf.dtype),
                shape,
                found.get(name, Values()),
                mesh,
            )
            decided.append(_decided(of, self.said.get(name), (told or {}).get(name)))
        return tuple(decided)


class _Seen(NamedTuple):
    """A leaf whose role is open, its sides and values, and the sides of the mesh."""

    leaf: Leaf
    shape: Shape
    values: Values
    mesh: Shape

    @property
    def sides(self) -> Shape:
        return self.shape[: len(self.mesh)]

    @property
    def integers(self) -> bool:
        return not self.leaf.dtype.is_floating

    @property
    def asked(self) -> tuple[str, Shape, Values, Shape, bool]:
        """What questions are about."""
        return self.leaf.name, self.shape, self.values, self.mesh, self.integers

    @property
    def part(self) -> str:
        return self.leaf.name.partition("/")[0]


def _decided(seen: _Seen, said: Any, told: Any) -> Leaf:
    leaf, dims = seen.leaf, len(seen.mesh)
    known = said or (told if told and told[0] not in FIELDS else None)
    field = known[0] in FIELDS if known else bool(told) or _is_field(seen)
    if not field:
        return _no_field(seen, known)
    role, reason = said or told or _by_part(seen)
    if role == "weight" and len(seen.shape) < dims:
        return leaf._replace(role=role, reason=reason)
    ratio = _ratio(seen)
    if not said and not told and role != "weight":
        check_small_map(*seen.asked)
    channels = len(seen.shape) == dims + 1
    return leaf._replace(role=role, reason=reason, ratio=ratio, channels=channels)


def _no_field(seen: _Seen, said: Any) -> Leaf:
    role, reason = said or ("label", NO_IMAGE)
    if role == "coordinates":
        check_coordinates_alone(seen.leaf.name, seen.values, seen.mesh)
    if not said:
        check_no_map(seen.leaf.name, seen.shape, seen.mesh)
        if seen.part == PARTS[2]:
            role, reason = "weight", "sample weights"
        else:
            check_no_points(*seen.asked)
    return seen.leaf._replace(role=role, reason=reason)


def _by_part(seen: _Seen) -> tuple[str, str]:
    if seen.part == "x":
        return "image", "an input"
    if seen.part == PARTS[2]:
        return "weight", "sample weights"
    if not seen.integers:
        return "image", OF_FLOATS
    bands = seen.shape[-1] if len(seen.shape) > len(seen.mesh) else 1
    if bands > 1 and not seen.values.zero_and_one:  # 0 and 1 may be one class a band
        return "image", "a target of integers in several bands"
    return "class_map", OF_INTEGERS


def _is_field(seen: _Seen) -> bool:
    sides, mesh = seen.sides, seen.mesh
    if max(sides, default=1) <= FEW and named_like_points(seen.leaf.name):
        return False
    if len(seen.shape) == len(mesh) + 1:
        return max(sides) > 1
    if len(seen.shape) != len(mesh) or max(sides, default=1) == 1:
        return False
    # A vector as long as a coarse mesh is a label, unless a loss says otherwise.
    return sides == mesh or (len(mesh) > 1 and _factor(sides, mesh) is not None)


def _factor(sides: Shape, mesh: Shape) -> Fraction | None:
    if len(sides) != len(mesh) or not all(sides):
        return None
    ratios = {Fraction(side, whole) for side, whole in zip(sides, mesh, strict=True)}
    ratio = ratios.pop()
    whole = 1 in (ratio.numerator, ratio.denominator)
    return ratio if not ratios and whole else None


def _ratio(seen: _Seen) -> Fraction:
    ratio, name = _factor(seen.sides, seen.mesh), seen.leaf.name
    if ratio is None:
        raise ValueError(
            "Input and target have incompatible sizes: one must be the other's times a whole "
            f"number, the same along every axis. Received: {name} of sizes {seen.sides} and "
            f"{seen.mesh}. If {name} is no image, say so: roles={{'{name}': 'label'}}, or "
            "'coordinates'."
        )
    return ratio
