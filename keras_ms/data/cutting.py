"""Windows of examples on every level, flipped and turned: the pixels of batches."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_ms import restriction as restrictions
from keras_ms.data.example_store import ExampleStore
from keras_ms.data.geometry import Window
from keras_ms.data.roles import Leaf
from keras_ms.data.slabs import slabs
from keras_ms.data.views import views_of


class Draws(NamedTuple):
    """What is drawn once for a sample, for all its tensors and both of its levels.

    Attributes:
        corners: Corners of the finest windows in pixels of the finest mesh, `(n, dims)`.
        flips: Whether to mirror along the last axis of the mesh, `(n,)`.
        turns: Quarter turns in the plane of the last two axes, `(n,)`.
    """

    corners: np.ndarray
    flips: np.ndarray
    turns: np.ndarray

    def of(self, part: slice) -> Draws:
        """Those of some samples."""
        return Draws(*(values[part] for values in self))


class Cutter:
    """Cuts the windows of examples that are in a store.

    Args:
        store: The examples.
        leaves: What their tensors are.
        windows: What every level sees of the mesh, finest first.
        axes: Axes of the mesh that are coarsened.
        ranges: Values that become 0 and 1, by name of leaf.
        restriction: How images are coarsened: `"average"` or `"stride"`.
        whole: Whether windows are whole examples.
        flip: Whether a random half is mirrored.
        rotate: Whether samples are turned.

    Attributes:
        views: What every level sees of every leaf.
    """

    def __init__(
        self,
        store: ExampleStore,
        leaves: tuple[Leaf, ...],
        windows: tuple[Window, ...],
        axes: tuple[int, ...],
        ranges: Mapping[str, tuple[float, float]],
        restriction: str,
        whole: bool,
        flip: bool,
        rotate: bool,
    ) -> None:
        self._store, self._leaves, self._windows, self._axes = store, leaves, windows, axes
        self._restriction, self._whole = restriction, whole
        self._flip, self._rotate = flip, rotate
        self._mesh = next(number for number, leaf in enumerate(leaves) if leaf.ratio == 1)
        self.views = tuple(views_of(leaves, window, axes, ranges) for window in windows)

    def draw(self, rng: np.random.Generator, numbers: np.ndarray) -> Draws:
        """Draws windows, flips and turns of the examples with these numbers."""
        count, sides = len(numbers), self._windows[0].sides
        corners = np.zeros((count, len(sides)), np.int64)
        if not self._whole:
            grid = self._grid()
            found = [self._field(self._mesh, number, 0).shape for number in numbers]
            have = np.array([shape[: len(sides)] for shape in found])
            corners = rng.integers(0, (have - sides) // grid + 1) * grid
        flips = rng.random(count) < 0.5 * self._flip
        return Draws(corners, flips, rng.integers(0, 4 if self._rotate else 1, count))

    def _grid(self) -> np.ndarray:
        """Corners are multiples of this: then every leaf's are whole on every level."""
        smaller = [leaf.ratio.denominator for leaf in self._leaves if leaf.ratio]
        depth = max(window.pyramid_level for window in self._windows)
        dims = range(len(self._windows[0].sides))
        steps = [2**depth if axis in self._axes else 1 for axis in dims]
        return np.array(steps) * math.lcm(*smaller)

    def level(self, level: int, numbers: np.ndarray, draws: Draws) -> list[np.ndarray]:
        """The batch of every leaf on a level: of the examples with these numbers, as drawn."""
        found = []
        for leaf, view in enumerate(self.views[level]):
            rows = np.empty((len(numbers), *view.shape), view.dtype.as_numpy_dtype)
            for row, (number, corner, flip, turns) in enumerate(zip(numbers, *draws, strict=True)):
                pixels = self._field(leaf, number, view.pyramid_level)
                rows[row] = view.cut(pixels, corner, flip, turns)
            found.append(view.scaled(rows))
        return found

    def _field(self, leaf: int, number: int, level: int) -> np.ndarray:
        of = self._leaves[leaf]
        name = restricted_by(of, self._restriction)
        coarser = functools.partial(_coarser, name, self._axes, of.channels)
        return self._store.field(leaf, int(number), level, name, coarser)


def restricted_by(leaf: Leaf, restriction: str) -> str:
    """Name of the restriction that makes a leaf coarser where images are by `restriction`."""
    most_frequent = leaf.role == "class_map" and restriction == "average"
    return "plurality" if most_frequent else restriction


def _coarser(name: str, axes: tuple[int, ...], channels: bool, field: np.ndarray) -> np.ndarray:
    """A field one level coarser: images and weights as floats, class maps in their own type."""
    batch = field[np.newaxis] if channels else field[np.newaxis, ..., np.newaxis]
    even = batch[_even(batch.shape, axes)]
    # In slabs: a large picture in floats may be more than there is.
    parts = [_restricted(name, axes, slab[np.newaxis]) for slab in slabs(even[0], multiple=2)]
    made = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return made if channels else made[..., 0]


def _restricted(name: str, axes: tuple[int, ...], batch: np.ndarray) -> np.ndarray:
    if name != "average":
        return np.asarray(restrictions.get(name)(batch, axes))[0]
    # TensorFlow pools neither integers nor, on a CPU, all kinds of floats.
    kind = batch.dtype if np.issubdtype(batch.dtype, np.floating) else np.dtype(np.float32)
    return restrictions.average(tf.constant(batch, tf.float32), axes).numpy()[0].astype(kind)


def _even(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[slice, ...]:
    # Examples larger than the window may have odd sides; no window reaches the last pixel.
    sides = enumerate(shape[1:-1])
    return (slice(None), *(slice(s - s % 2 if k in axes else s) for k, s in sides))
