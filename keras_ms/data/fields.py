"""Which tensors of a structure are images, and restriction of those that are."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_ms import restriction

Tensor = Any
Structure = Any


def mark(structure: Structure, sides: tuple[int, ...]) -> Structure:
    """Says which batched tensors (or specs) of a nested structure are fields on a mesh.

    A field has the shape `(batch, *spatial, channels)`, or `(batch, *sides)` with just the sides
    of the mesh, as a mask or weight map without channels has. A tensor that is constant over the
    mesh, `(batch, 1, ..., 1, channels)`, is none.

    Args:
        structure: Nested tuples, lists and dictionaries.
        sides: Sides of the mesh that the structure lives on.

    Returns:
        The same structure of booleans.
    """
    return keras.tree.map_structure(lambda tensor: _is_field(tensor, sides), structure)


def _is_field(tensor: Any, sides: tuple[int, ...]) -> bool:
    shape, rank = tuple(tensor.shape), len(sides)
    if len(shape) == rank + 2:
        return any(side != 1 for side in shape[1:-1])
    return shape[1:] == tuple(sides)


def restrict_structure(
    structure: Structure, marks: Structure, name: str, spatial_dims: int
) -> Structure:
    """Restricts every field in a nested structure of batched tensors; leaves the rest alone.

    Integer fields (class maps, masks) restrict by `stride` where `name` is `"average"`, since the
    mean of two classes is no class.

    Args:
        structure: Nested tuples, lists and dictionaries of tensors.
        marks: Which of them are fields, as `mark` found on the finest mesh. (On a coarse one a
            label may happen to be as long as the mesh is wide.)
        name: `"average"`, `"stride"` or `"crop"`.
        spatial_dims: Number of spatial dimensions.

    Returns:
        The same structure one level coarser.
    """

    def restrict(tensor: Tensor, marked: bool) -> Tensor:
        if not marked:
            return tensor
        by = "stride" if name == "average" and not tensor.dtype.is_floating else name
        if len(tensor.shape) == spatial_dims + 2:
            return restriction.get(by)(tensor)
        return restriction.get(by)(tensor[..., tf.newaxis])[..., 0]

    return keras.tree.map_structure(restrict, structure, marks)


def check_pair(spec: Structure, sides: tuple[int, ...], num_levels: int) -> None:
    """Checks that input and target fields have sides that fit each other and the levels.

    Args:
        spec: Batched `(x, y)` or `(x, y, sample_weight)` of `tf.TensorSpec`.
        sides: Sides of the finest mesh.
        num_levels: Number of levels.

    Raises:
        ValueError: If a side is unknown, cannot be halved `num_levels - 1` times, or the sides of
            two fields are not whole multiples of each other by one factor.
    """
    factor = 2 ** (num_levels - 1)
    fields = [leaf for leaf in keras.tree.flatten(spec) if _is_field(leaf, sides)]
    for field in fields:
        have = tuple(field.shape)[1 : 1 + len(sides)]
        if any(side is None for side in have):
            raise ValueError(
                "Images of one dataset must all have one known size. "
                f"Received: shape {tuple(field.shape)[1:]}. Use `.map(...)` with tf.image.resize "
                "or tf.image.random_crop, then tf.ensure_shape."
            )
        if any(side % factor for side in have):
            raise ValueError(
                f"Every side must be divisible by 2**(levels - 1) = {factor}. "
                f"Received: levels={num_levels}, a field of size {have}."
            )
        if not _one_factor(have, sides):
            raise ValueError(
                "Input and target have incompatible sizes: one must be the other's times a whole "
                f"number, the same along every axis. Received: sizes {have} and {tuple(sides)}."
            )


def _one_factor(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    large, small = max(first, second), min(first, second)
    factor = large[0] // small[0]
    return large == tuple(side * factor for side in small)
