"""Batches of a user's own examples: each level cut from examples coarsened once."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import geometry
from keras_ms.data.augmentation import Augment, check_on_levels, checked_augment
from keras_ms.data.batch import MultiscaleBatch, fresh_terms, made_if_fresh
from keras_ms.data.cutting import Cutter
from keras_ms.data.example_checks import admits, check_levels, check_positions, crop_sides
from keras_ms.data.example_store import ExampleStore
from keras_ms.data.examples import Examples
from keras_ms.data.python_calls import called
from keras_ms.data.reading import AT_ONCE, Reading
from keras_ms.data.role_evidence import Evidence
from keras_ms.data.roles import OF_SOURCE, SAID, Leaf, dims_of
from keras_ms.data.said_roles import said_roles
from keras_ms.data.skipped import Skipped
from keras_ms.data.stages import dims_told, hierarchy
from keras_ms.data.typical import common_shape, typical
from keras_ms.levels import Stage

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
        evidence: What that rests on.
        anew: What the user says of reading anew; `None` if nothing.

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
        self.anew = anew
        self.flip, self.rotate, self.restriction = flip, rotate, restriction
        self._said = {name: (role, OF_SOURCE) for name, role in examples.roles.items()}
        of_user = said_roles(roles, examples.spec).items()
        self._said |= {name: (role, SAID) for name, role in of_user}
        self._store = ExampleStore(cache_bytes)
        skipped = Skipped(max_bad_fraction, "examples")
        self.reading = Reading(self.examples, self._store, skipped, seed)
        dims = dims_told(levels, image_size) or dims_of(examples.spec)
        self._learn_of_most(dims, image_size is None, max_bad_fraction)
        self.evidence = Evidence(self.examples.spec, self.reading, dims, self._said)
        self.leaves = self.evidence.leaves()  # by shapes alone
        self.sides, self.whole = crop_sides(self.leaves, image_size, dims, examples.alike)
        self.levels = hierarchy(levels, self.sides)
        self.levels.mesh_sizes(self.sides)
        self._seed = seed
        self._see(coarsening)
        self.augment: Augment | None = checked_augment(
            augment, self.specs(), self.reading.first, self.examples.ranges
        )
        self.reading.begin(
            functools.partial(admits, leaves=self.leaves, sides=self.sides, whole=self.whole),
            self.evidence.survey,
        )
        self._settle(self.evidence.leaves())  # by all that was read, not by what comes first
        self.evidence.expect(self.leaves)

    def _settle(self, leaves: tuple[Leaf, ...]) -> None:
        others, self.leaves = leaves != self.leaves, leaves
        self._see(self.coarsening)
        if others:
            check_on_levels(self.augment, self.specs())

    def _learn_of_most(self, dims: int, whole: bool, max_bad_fraction: float) -> None:
        """Takes shapes, and the example that decides, from most of the first examples."""
        of, ahead = self.examples, self.reading.ahead()
        spec, first = typical(of, ahead, dims, self._said, whole, max_bad_fraction)
        self.examples, self.reading.first = of._replace(spec=spec), first

    def _see(self, coarsening: str) -> None:
        """Decides what the levels see."""
        self.coarsening = coarsening
        steps, axes = geometry.transitions(coarsening, self.levels.num_levels), self.levels.axes
        self._windows = geometry.windows(self.sides, steps, axes)
        check_levels(self.leaves, self._windows, axes, self.whole, self.flip, self.rotate)
        check_positions(self.leaves, self.evidence.values, self._said, self._moved_by())
        self._cutter = self._cutting()

    def _moved_by(self) -> list[str]:
        """What moves pixels in images, in words."""
        crops = not self.whole or self._windows[-1].pyramid_level < len(self._windows) - 1
        moves = {"flip=True": self.flip, "rotate=True": self.rotate, "crops": crops}
        return [name for name, is_on in moves.items() if is_on]

    def recoarsened(self, coarsening: str) -> PairBatches:
        """Batches of the same examples with another coarsening.

        Raises:
            ValueError: If examples do not fit it.
        """
        other = copy.copy(self)
        other._see(coarsening)
        check_on_levels(other.augment, other.specs())
        return other

    def with_targets(
        self, told: Mapping[str, tuple[str, str]], unit_axes: Mapping[str, int]
    ) -> PairBatches:
        """The same examples, of whose targets a loss tells the roles and why, by name.

        Args:
            told: Roles and reasons.
            unit_axes: How many axes of one entry weights get, by name.
        """
        leaves = tuple(
            leaf._replace(unit_axes=unit_axes.get(leaf.name, 0))
            for leaf in self.evidence.leaves(told)
        )
        if leaves == self.leaves:
            return self
        other = copy.copy(self)
        other._settle(leaves)
        return other

    def shape_of(self, leaf: Leaf) -> tuple[int | None, ...]:
        """The shape of a tensor in all examples that are kept; sides that differ are `None`.

        Of examples that are not all there yet, what their source tells, and those that are there.
        """
        found: list[tuple[int | None, ...]] = []
        if self.reading.keeps:
            found += self._store.shapes_of(self.leaves.index(leaf))
        if self.reading.count is None or not found:
            found.append(leaf.shape)
        return functools.reduce(common_shape, found)

    def _cutting(self) -> Cutter:
        return Cutter(
            self._store,
            self.leaves,
            self._windows,
            self.levels.axes,
            self.examples.ranges,
            self.restriction,
            self.whole,
            self.flip,
            self.rotate,
        )

    def stream(self, stage: Stage, start: int, position: int | None = None) -> tf.data.Dataset:
        """Endless batches of a stage from step `start` on, not prefetched.

        Args:
            stage: The stage.
            start: First step.
            position: Examples that were taken before. Defaults to those of as many steps, or to
                all that were taken of a source that is not kept. Without effect on a source that
                was read at once: what a step takes of it follows from the step.
        """
        total = sum(stage.batch_sizes)
        if self.reading.whole or (position is None and self.reading.keeps):
            position = start * total
        elif position is None:
            position = self.reading.passed_on
        ahead = position - start * total

        take = functools.partial(_taken, total=total, ahead=ahead)

        def taken(step: Tensor) -> tuple[Tensor, Tensor]:
            numbers = called(self.reading, take, [step], tf.int64)
            return step, tf.ensure_shape(numbers, (total,))

        def batch(step: Tensor, numbers: Tensor) -> MultiscaleBatch:
            return self._batch(step, numbers, stage)

        steps = tf.data.Dataset.range(start, tf.int64.max).map(taken)
        return steps.map(batch, num_parallel_calls=AT_ONCE, deterministic=True)

    def _batch(self, step: Tensor, numbers: Tensor, stage: Stage) -> MultiscaleBatch:
        depth = self.levels.num_levels
        fresh = fresh_terms(depth, stage, step)
        wanted = _wanted(stage)
        views = [self._cutter.views[level] for _, level in wanted]
        cut = functools.partial(PairBatches._cut, stage=stage)
        types = [view.dtype for of_level in views for view in of_level]
        flat = iter(called(self, cut, [step, numbers], types))
        fine: list[Any] = [()] * depth
        coarse: list[Any] = [()] * depth
        for (term, level), of_level in zip(wanted, views, strict=True):
            size = stage.batch_sizes[term - stage.finest]
            leaves = [tf.ensure_shape(next(flat), (size, *view.shape)) for view in of_level]
            pair = keras.tree.pack_sequence_as(self.examples.spec, leaves)
            made = functools.partial(self._augmented, pair, step, term)
            (fine if level == term else coarse)[term] = made_if_fresh(fresh, term, made)
        return MultiscaleBatch(tuple(fine), tuple(coarse), fresh=fresh)

    def _augmented(self, pair: Any, step: Tensor, term: int) -> Any:
        if self.augment is None:
            return pair
        seed = tf.random.fold_in(tf.constant((self._seed, 1), tf.int32), term)
        return self.augment(pair, tf.random.fold_in(seed, tf.cast(step, tf.int32)))

    def _cut(self, step: np.ndarray, numbers: np.ndarray, stage: Stage) -> list[np.ndarray]:
        """The leaves of all terms, each on its level and the next coarser one."""
        finest, sizes = stage.finest, stage.batch_sizes
        rng = np.random.default_rng((abs(self._seed), 2, finest, int(step)))
        dealt = rng.permutation(numbers)
        draws = self._cutter.draw(rng, dealt)
        ends = list(itertools.accumulate(sizes, initial=0))
        found: list[np.ndarray] = []
        for term, level in _wanted(stage):
            hand = slice(*ends[term - finest : term - finest + 2])
            if stage.refresh and int(step) % stage.refresh[term - finest]:
                found += self._zeros(level, sizes[term - finest])
            else:
                found += self._cutter.level(level, dealt[hand], draws.of(hand))
        return found

    def _zeros(self, level: int, size: int) -> list[np.ndarray]:
        views = self._cutter.views[level]
        return [np.zeros((size, *view.shape), view.dtype.as_numpy_dtype) for view in views]

    def specs(self) -> tuple[Any, ...]:
        """Specs of the batched example of every level, any batch size."""
        return tuple(
            keras.tree.pack_sequence_as(
                self.examples.spec,
                [tf.TensorSpec((None, *v.shape), v.dtype) for v in self._cutter.views[level]],
            )
            for level in range(self.levels.num_levels)
        )


def _taken(reading: Reading, step: np.ndarray, total: int, ahead: int) -> np.ndarray:
    """Numbers of the examples of a step that takes `total`, after `ahead` others."""
    return reading.take(int(step) * total + ahead, total)


def _wanted(stage: Stage) -> list[tuple[int, int]]:
    """The level of every term, and the next coarser one but for the last, as `(term, level)`."""
    last = stage.finest + len(stage.batch_sizes) - 1
    return [(t, lv) for t in range(stage.finest, last + 1) for lv in (t, t + 1) if lv <= last]
