"""What one level sees of every tensor of an example, and how it is cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_ms.data.geometry import Window
from keras_ms.data.roles import Leaf

Array = Any


class View(NamedTuple):
    """One leaf on one level.

    Attributes:
        shape: Its shape there, without a batch axis.
        dtype: Its type, a `tf.DType`.
        pyramid_level: How many times it is coarsened; 0 of what is no field.
        dims: Spatial dimensions of a field; 0 of what is none.
        offset: Corner of the level's window from that of the finest one, in the leaf's pixels.
        per_pixel: By axis, the mesh's finest pixels that a pixel of the leaf is wide, as
            numerator and denominator.
        low: What is taken away of the values.
        factor: What they are multiplied with.
    """

    shape: tuple[int, ...]
    dtype: Any
    pyramid_level: int = 0
    dims: int = 0
    offset: tuple[int, ...] = ()
    per_pixel: tuple[tuple[int, int], ...] = ()
    low: float = 0.0
    factor: float = 1.0

    def cut(self, array: Array, corner: np.ndarray, flip: bool, turns: int) -> Array:
        """The window of an example's leaf, flipped along the last axis, then turned.

        Args:
            array: The leaf, coarsened as often as `pyramid_level` says.
            corner: Corner of the finest window, in pixels of the finest mesh.
            flip: Whether to flip.
            turns: By how many quarters to turn it, in the plane of the last two axes.
        """
        if not self.dims:
            return array
        places = zip(corner, self.per_pixel, self.offset, strict=True)
        starts = [int(c) * den // num + offset for c, (num, den), offset in places]
        window = tuple(slice(s, s + n) for s, n in zip(starts, self.shape, strict=False))
        found = array[window]
        if flip:
            found = np.flip(found, self.dims - 1)
        return np.rot90(found, turns, (self.dims - 2, self.dims - 1)) if turns else found

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """Values in the range that batches have, changed in place."""
        if self.low:
            values -= self.low
        if self.factor != 1.0:
            values *= self.factor
        return values


def views_of(
    leaves: tuple[Leaf, ...],
    window: Window,
    axes: tuple[int, ...],
    ranges: Mapping[str, tuple[float, float]],
) -> tuple[View, ...]:
    """What a level sees of all leaves.

    Args:
        leaves: The leaves.
        window: The level's window of the mesh.
        axes: Axes of the mesh that are coarsened.
        ranges: Values that become 0 and 1, by name of leaf.
    """
    return tuple(_view(leaf, window, axes, ranges.get(leaf.name)) for leaf in leaves)


def _view(
    leaf: Leaf, window: Window, axes: tuple[int, ...], values: tuple[float, float] | None
) -> View:
    low, factor = (0.0, 1.0) if values is None else (values[0], 1.0 / (values[1] - values[0]))
    if leaf.ratio is None:
        if leaf.role == "coordinates":
            factor /= 2**window.pyramid_level
        shape = tuple(int(side) for side in leaf.shape if side is not None)
        return View((*shape, *(1,) * leaf.unit_axes), leaf.made_dtype, low=low, factor=factor)
    dims, num, den = len(window.sides), leaf.ratio.numerator, leaf.ratio.denominator
    sides = tuple(side * num // den for side in window.sides)
    widths = [2**window.pyramid_level if axis in axes else 1 for axis in range(dims)]
    return View(
        (*sides, *(int(n) for n in leaf.shape[dims:] if n is not None)),
        leaf.made_dtype,
        window.pyramid_level,
        dims,
        tuple(offset * num // den for offset in window.offset),
        tuple((den * width, num) for width in widths),
        low,
        factor,
    )
