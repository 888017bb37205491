"""Batches of a user's own examples: each level cut from examples coarsened once."""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms import restriction as restrictions
from keras_ms.data import geometry
from keras_ms.data.augmentation import Augment, checked_augment
from keras_ms.data.batch import MultiscaleBatch
from keras_ms.data.example_checks import admits, check_levels, crop_sides
from keras_ms.data.example_store import ExampleStore
from keras_ms.data.examples import Examples
from keras_ms.data.reading import AT_ONCE, Reading
from keras_ms.data.roles import Leaf, leaves_of, said_roles
from keras_ms.data.skipped import Skipped
from keras_ms.data.stages import hierarchy
from keras_ms.data.views import View, views_of
from keras_ms.levels import Levels

Tensor = Any


class PairBatches:
    """Makes `MultiscaleBatch`es of examples `(x, y)` or `(x, y, sample_weight)`.

    Every level is cut from examples that are read once and coarsened once, at its own resolution.
    Window, flip and turn are drawn once per sample, for all its tensors and both of its levels.

    Args:
        examples: What is read.
        levels: As in `MultiscaleDataset`.
        image_size: Likewise: sides of the windows on the finest mesh, `None` for whole examples.
        coarsening: As in `MultiscaleDataset`.
        restriction: Likewise.
        flip: Whether a random half of the samples is mirrored along the last axis of the mesh.
        rotate: Whether samples are turned by a random multiple of 90 degrees.
        augment: As in `MultiscaleDataset`.
        roles: Likewise.
        seed: Likewise.
        cache_bytes: Likewise.
        max_bad_fraction: Likewise.
        anew: Likewise.

    Attributes:
        levels: The hierarchy, its dimensions known.
        sides: Sides of the finest mesh.
        leaves: What every tensor of an example is.

    Raises:
        ValueError: If examples, roles, sizes and levels do not fit each other.
    """

    def __init__(
        self,
        examples: Examples,
        levels: Any,
        image_size: Any,
        coarsening: str,
        restriction: str,
        flip: bool,
        rotate: bool,
        augment: Any,
        roles: Any,
        seed: int,
        cache_bytes: int,
        max_bad_fraction: float,
        anew: bool | None = None,
    ) -> None:
        self.examples = examples if anew is None else examples._replace(anew=anew)
        self.flip, self.rotate, self._restriction = flip, rotate, restriction
        self._said = {**examples.roles, **said_roles(roles, examples.spec)}
        self._store = ExampleStore(cache_bytes)
        skipped = Skipped(max_bad_fraction, "examples")
        self.reading = Reading(examples, self._store, self._admits, skipped, seed)
        self._dims = dims_told(levels, image_size) or dims_of(examples.spec)
        self.leaves = self._decided({})
        self.sides, self.whole = crop_sides(self.leaves, self.reading.first, image_size, self._dims)
        self.levels = hierarchy(levels, self.sides)
        self.levels.mesh_sizes(self.sides)
        steps = geometry.transitions(coarsening, self.levels.num_levels)
        self._windows = geometry.windows(self.sides, steps, self.levels.axes)
        check_levels(self.leaves, self._windows, self.levels.axes, self.whole, flip, rotate)
        self._seed = seed
        self._views = self._viewed()
        self.augment: Augment | None = checked_augment(augment, self.specs())
        self.reading.begin()

    def with_targets(self, told: Mapping[str, tuple[str, str]]) -> PairBatches:
        """The same examples, of whose targets a loss tells the roles and why, by name."""
        leaves = self._decided(told)
        if leaves == self.leaves:
            return self
        other = copy.copy(self)
        other.leaves = leaves
        other._views = other._viewed()
        checked_augment(other.augment, other.specs())
        return other

    def _viewed(self) -> tuple[tuple[View, ...], ...]:
        axes, ranges = self.levels.axes, self.examples.ranges
        return tuple(views_of(self.leaves, window, axes, ranges) for window in self._windows)

    def _decided(self, told: Mapping[str, tuple[str, str]]) -> tuple[Leaf, ...]:
        spec = self.examples.spec
        return leaves_of(spec, self.reading.first, self._dims, self._said, told)

    def _admits(self, example: Any) -> str:
        return admits(example, self.leaves, self.sides, self.whole)

    def stream(
        self, finest: int, sizes: tuple[int, ...], start: int, position: int | None = None
    ) -> tf.data.Dataset:
        """Endless batches of a stage from step `start` on, not prefetched.

        Args:
            finest: Finest level of the stage.
            sizes: The stage has a term of `sizes[k]` samples on level `finest + k`.
            start: First step.
            position: Examples that were taken before. Defaults to those of as many steps, or
                what was read so far of a source that is not kept.
        """
        total = sum(sizes)
        if position is None:
            position = start * total if self.reading.keeps else self.reading.passed_on
        ahead = position - start * total

        def taken(step: Tensor) -> tuple[Tensor, Tensor]:
            numbers = tf.numpy_function(
                lambda k: self.reading.take(int(k) * total + ahead, total), [step], tf.int64
            )
            return step, tf.ensure_shape(numbers, (total,))

        def batch(step: Tensor, numbers: Tensor) -> MultiscaleBatch:
            return self._batch(step, numbers, finest, sizes)

        steps = tf.data.Dataset.range(start, tf.int64.max).map(taken)
        return steps.map(batch, num_parallel_calls=AT_ONCE, deterministic=True)

    def _batch(
        self, step: Tensor, numbers: Tensor, finest: int, sizes: tuple[int, ...]
    ) -> MultiscaleBatch:
        depth = self.levels.num_levels
        wanted = _wanted(finest, len(sizes))
        views = [self._views[level] for _, level in wanted]
        cut = functools.partial(self._cut, finest=finest, sizes=sizes)
        types = [view.dtype for of_level in views for view in of_level]
        flat = iter(tf.numpy_function(cut, [step, numbers], types))
        fine: list[Any] = [()] * depth
        coarse: list[Any] = [()] * depth
        for (term, level), of_level in zip(wanted, views, strict=True):
            size = sizes[term - finest]
            leaves = [tf.ensure_shape(next(flat), (size, *view.shape)) for view in of_level]
            pair = self._augmented(
                keras.tree.pack_sequence_as(self.examples.spec, leaves), step, term
            )
            (fine if level == term else coarse)[term] = pair
        return MultiscaleBatch(tuple(fine), tuple(coarse))

    def _augmented(self, pair: Any, step: Tensor, term: int) -> Any:
        if self.augment is None:
            return pair
        seed = tf.random.fold_in(tf.constant((self._seed, 1), tf.int32), term)
        return self.augment(pair, tf.random.fold_in(seed, tf.cast(step, tf.int32)))

    def _cut(
        self, step: np.ndarray, numbers: np.ndarray, finest: int, sizes: tuple[int, ...]
    ) -> list[np.ndarray]:
        """The leaves of all terms, each on its level and the next coarser one."""
        rng = np.random.default_rng((abs(self._seed), 2, finest, int(step)))
        dealt = rng.permutation(numbers)
        found: list[np.ndarray] = []
        ends = list(itertools.accumulate(sizes, initial=0))
        drawn = [self._draw(rng, dealt[a:b]) for a, b in itertools.pairwise(ends)]
        for term, level in _wanted(finest, len(sizes)):
            hand = slice(*ends[term - finest : term - finest + 2])
            found += self._level(level, dealt[hand], *drawn[term - finest])
        return found

    def _draw(
        self, rng: np.random.Generator, numbers: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Corner of the window in finest pixels, flip and quarter turns of every sample."""
        count, dims = len(numbers), len(self.sides)
        corners = np.zeros((count, dims), np.int64)
        if not self.whole:
            grid = self._grid()
            have = np.array([self._sides_of(number) for number in numbers])
            corners = rng.integers(0, (have - self.sides) // grid + 1) * grid
        flips = rng.random(count) < 0.5 * self.flip
        return corners, flips, rng.integers(0, 4 if self.rotate else 1, count)

    def _grid(self) -> np.ndarray:
        """Corners are multiples of this: then every leaf's are whole on every level."""
        smaller = [leaf.ratio.denominator for leaf in self.leaves if leaf.ratio]
        depth = max(window.pyramid_level for window in self._windows)
        axes = self.levels.axes
        steps = [2**depth if axis in axes else 1 for axis in range(len(self.sides))]
        return np.array(steps) * math.lcm(*smaller)

    def _sides_of(self, number: int) -> tuple[int, ...]:
        of_mesh = next(k for k, leaf in enumerate(self.leaves) if leaf.ratio == 1)
        return self._field(of_mesh, number, 0).shape[: len(self.sides)]

    def _field(self, leaf: int, number: int, level: int) -> np.ndarray:
        of = self.leaves[leaf]
        name = self.restricted_by(of)
        coarser = functools.partial(_coarser, name, self.levels.axes, of.channels)
        return self._store.field(leaf, int(number), level, name, coarser)

    def restricted_by(self, leaf: Leaf) -> str:
        """Name of the restriction that makes a field coarser."""
        most_frequent = leaf.role == "class_map" and self._restriction == "average"
        return "plurality" if most_frequent else self._restriction

    def _level(
        self,
        level: int,
        numbers: np.ndarray,
        corners: np.ndarray,
        flips: np.ndarray,
        turns: np.ndarray,
    ) -> list[np.ndarray]:
        found = []
        for leaf, view in enumerate(self._views[level]):
            rows = np.empty((len(numbers), *view.shape), view.dtype.as_numpy_dtype)
            for row, number in enumerate(numbers):
                pixels = self._field(leaf, number, view.pyramid_level)
                rows[row] = view.cut(pixels, corners[row], flips[row], int(turns[row]))
            found.append(view.scaled(rows))
        return found

    def specs(self) -> tuple[Any, ...]:
        """Specs of the batched example of every level, any batch size."""
        return tuple(
            keras.tree.pack_sequence_as(
                self.examples.spec,
                [tf.TensorSpec((None, *v.shape), v.dtype) for v in self._views[level]],
            )
            for level in range(self.levels.num_levels)
        )


def dims_told(levels: Any, image_size: Any) -> int | None:
    """Spatial dimensions that levels or image size tell, or `None`."""
    told = levels.spatial_dims if isinstance(levels, Levels) else None
    axes = levels.spatial_axes if isinstance(levels, Levels) else None
    if told is None and hasattr(image_size, "__len__"):
        return len(image_size)
    return told or (levels.dims if axes else None)


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
    if not 1 <= dims <= 3:
        raise ValueError(
            "No tensor of an example is an image: 1 to 3 spatial axes, then one of channels. "
            f"Received: examples {spec}."
        )
    return dims


def _wanted(finest: int, terms: int) -> list[tuple[int, int]]:
    """The level of every term, and the next coarser one but for the last, as `(term, level)`."""
    last = finest + terms - 1
    return [(t, lv) for t in range(finest, last + 1) for lv in (t, t + 1) if lv <= last]


def _coarser(name: str, axes: tuple[int, ...], channels: bool, field: np.ndarray) -> np.ndarray:
    """A field one level coarser: images and weights as floats, class maps in their own type."""
    batch = field[np.newaxis] if channels else field[np.newaxis, ..., np.newaxis]
    batch = batch[_even(batch.shape, axes)]
    if name == "average":
        # TensorFlow pools neither integers nor, on a CPU, all kinds of floats.
        kind = field.dtype if np.issubdtype(field.dtype, np.floating) else np.dtype(np.float32)
        made = restrictions.average(tf.constant(batch, tf.float32), axes).numpy().astype(kind)
    else:
        made = np.asarray(restrictions.get(name)(batch, axes))
    return made[0] if channels else made[0, ..., 0]


def _even(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[slice, ...]:
    # Examples larger than the window may have odd sides; no window reaches the last pixel.
    sides = enumerate(shape[1:-1])
    return (slice(None), *(slice(s - s % 2 if k in axes else s) for k, s in sides))
