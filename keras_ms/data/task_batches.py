"""Batches of a task: latent examples drawn from clean images at each level's own resolution."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import fields, geometry
from keras_ms.data.batch import MultiscaleBatch, fresh_terms, made_if_fresh
from keras_ms.data.order import image_order
from keras_ms.data.pyramid import CACHE_BYTES, MAX_BAD_FRACTION, PyramidStore
from keras_ms.levels import Levels, Stage
from keras_ms.tasks import Task, degraded_first
from keras_ms.tasks.checks import called, check_laws, check_methods, told_in_one_line
from keras_ms.validation import shown

Tensor = Any


class TaskBatches:
    """Makes the `MultiscaleBatch` of any step from clean images and a task.

    A batch is a pure function of the seed, the step and the finest active level: no state is
    kept, so a run can start anywhere. Both occurrences of a level are made by `term`, from the
    same windows and the same draws, which is what the telescoping sum rests on.
    """

    def __init__(
        self,
        images: Iterable[Any],
        task: Task,
        levels: Levels,
        sides: tuple[int, ...],
        coarsening: str,
        restriction: str,
        flip: bool,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        seed: int,
        cache_bytes: int = CACHE_BYTES,
        max_bad_fraction: float = MAX_BAD_FRACTION,
    ) -> None:
        check_methods(task)
        check_laws(task)
        _check_axes(levels.fitted(len(sides)))
        self._task, self.levels, self.sides = task, levels, sides
        self._restriction, self._flip = restriction, flip
        depth = self._see(coarsening)
        self._store = PyramidStore(images, depth, sides, mean, std, cache_bytes, max_bad_fraction)
        self._seed = tf.constant((seed, 0), tf.int32)

    def _see(self, coarsening: str) -> int:
        """Decides what the levels see; returns how often images have to be coarsened for that."""
        self.coarsening, self._degrade_first = coarsening, coarsening == "degrade_first"
        self._steps = geometry.transitions(coarsening, self.levels.num_levels)
        self._windows = geometry.windows(self.sides, self._steps)
        return 0 if self._degrade_first else self._windows[-1].pyramid_level

    def recoarsened(self, coarsening: str) -> TaskBatches:
        """Batches of the same images, decoded and coarsened already, with another coarsening.

        Raises:
            ValueError: If it does not fit the sides or the task, or images are not kept as coarse.
        """
        other = copy.copy(self)
        depth = other._see(coarsening)
        if depth > self._store.depth:
            raise ValueError(
                "The images are not kept on the coarse meshes that a coarsening needs. Received: "
                f"coarsening={shown(coarsening)}. Make the dataset with coarsening='auto' or "
                "'task'."
            )
        other.specs()
        return other

    def stream(self, stage: Stage, start: Tensor, position: int | None = None) -> tf.data.Dataset:
        """Endless batches of a stage from step `start` on, not prefetched.

        Which images a step takes follows from the step, whatever was taken before (`position`).
        """

        def batch(step: Tensor) -> MultiscaleBatch:
            return self._batch(step, stage)

        steps = tf.data.Dataset.range(start, tf.int64.max)
        with told_in_one_line():
            return steps.map(batch, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)

    def _batch(self, step: Tensor, stage: Stage) -> MultiscaleBatch:
        finest, sizes = stage.finest, stage.batch_sizes
        fresh = fresh_terms(self.levels.num_levels, stage, step)
        order_seed = tf.random.fold_in(self._seed, 0)
        ids = image_order(step * sum(sizes), sum(sizes), self._store.num_images, order_seed)
        fine: list[Any] = [()] * self.levels.num_levels
        coarse: list[Any] = [()] * self.levels.num_levels
        coarsest = finest + len(sizes) - 1
        for level, term_ids in enumerate(tf.split(ids, sizes), finest):
            seed = tf.random.fold_in(self._seed, 1 + level)
            seed = tf.random.fold_in(seed, tf.cast(step, tf.int32))
            make = functools.partial(self.term, level, term_ids, seed, level < coarsest)
            fine[level], coarse[level] = made_if_fresh(fresh, level, make)
        return MultiscaleBatch(tuple(fine), tuple(coarse), fresh=fresh)

    def term(
        self,
        level: int,
        ids: Tensor,
        seed: Tensor,
        with_coarse: bool,
        drawn_on: int | None = None,
    ) -> tuple[Any, Any]:
        """Pairs of the same examples on `level` and, if asked, on `level + 1`.

        `drawn_on` is the level that examples are drawn on; by default the coarsest that leaves
        the distribution what it is.
        """
        corner_seed, flip_seed, draw_seed = tf.unstack(tf.random.split(seed, 3))
        corners = self._store.corners(ids, self.sides, corner_seed)
        flips = tf.random.stateless_uniform(tf.shape(ids), flip_seed) < 0.5 * self._flip
        if self._degrade_first:
            return self._restricted_pairs(level, ids, corners, flips, draw_seed, with_coarse)
        if drawn_on is None:
            drawn_on = level if self._draws_alike_on(level) else 0
        clean = self._store.cut(self._windows[drawn_on], ids, corners, flips)
        example = called(self._task, "draw", clean, draw_seed)
        for finer in range(drawn_on, level):
            example = self._restrict(example, finer)
        fine = called(self._task, "pair", example)
        return fine, self._coarse_pair(example, level) if with_coarse else ()

    def _coarse_pair(self, example: dict[str, Tensor], level: int) -> Any:
        return called(self._task, "pair", self._restrict(example, level))

    def _draws_alike_on(self, level: int) -> bool:
        # The coarse side of term `level - 1` must be alike too, so level 0 to `level` all count.
        return self._task.invariant_under.issuperset(self._steps[:level])

    def _restrict(self, example: dict[str, Tensor], level: int) -> dict[str, Tensor]:
        if self._steps[level] == "coarsen":
            return called(self._task, "restrict", example)
        marks = fields.mark(example, self._windows[level].sides)
        return fields.restrict_structure(example, marks, "crop", len(self.sides))

    def _restricted_pairs(
        self,
        level: int,
        ids: Tensor,
        corners: Tensor,
        flips: Tensor,
        seed: Tensor,
        with_coarse: bool,
    ) -> tuple[Any, Any]:
        pair, marks = self._degraded_first(level, ids, corners, flips, seed)
        return pair, self._shrunk(pair, marks) if with_coarse else ()

    def _degraded_first(
        self, level: int, ids: Tensor, corners: Tensor, flips: Tensor, seed: Tensor
    ) -> tuple[Any, Any]:
        """The pair of the finest mesh, restricted to a level, and which of its tensors are."""
        task, by, window = self._task, self._restriction, self._windows[0]
        if level and degraded_first.commutes(task, by):
            clean = self._store.cut(window, ids, corners, flips, every=2**level)
            pair = called(task, "pair", called(task, "draw", clean, seed))
            return pair, fields.mark(pair, self._windows[level].sides)
        # The degradation belongs to the finest mesh, so even coarse batches cost fine pixels.
        clean = self._store.cut(window, ids, corners, flips)
        if level and degraded_first.is_known(task):
            pair = degraded_first.restricted_pair(task, clean, seed, level, by)
            return pair, fields.mark(pair, self._windows[level].sides)
        pair = called(task, "pair", called(task, "draw", clean, seed))
        marks = fields.mark(pair, window.sides)
        for _ in range(level):
            pair = self._shrunk(pair, marks)
        return pair, marks

    def _shrunk(self, pair: Any, marks: Any) -> Any:
        return fields.restrict_structure(pair, marks, self._restriction, len(self.sides))

    def specs(self) -> tuple[Any, ...]:
        """Specs of the batched `(x, y)` of every level, any batch size; one trace gives them all.

        Raises:
            ValueError: If a method of the task raises, or restricting an example does not lead to
                the next level's shapes, so that a level would look different in the two terms that
                it occurs in.
        """
        depth = self.levels.num_levels

        @tf.function
        def terms(ids: Tensor) -> tuple[Any, ...]:
            return tuple(
                self.term(level, ids, self._seed, level + 1 < depth, drawn_on=level)
                for level in range(depth)
            )

        with told_in_one_line():
            traced = terms.get_concrete_function(tf.TensorSpec((None,), tf.int64))
        made = traced.structured_outputs
        made = keras.tree.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), made)
        for level, (restricted, drawn) in enumerate(itertools.pairwise(made)):
            _check_same(restricted[1], drawn[0], level)
        fields.check_pair(made[0][0], self.sides, depth)
        return tuple(fine for fine, _ in made)


def _check_axes(levels: Levels) -> None:
    if len(levels.axes) < levels.dims:
        raise ValueError(
            "Tasks coarsen along all axes: their `restrict` knows of no others. "
            f"Received: spatial_axes={levels.spatial_axes}. Leave it out, or pass pairs of your "
            "own without a task."
        )


def _check_same(restricted: Any, drawn: Any, level: int) -> None:
    if restricted != drawn:
        raise ValueError(
            f"The task's `restrict` must lead from level {level} to level {level + 1}: "
            "the pair of a restricted example must have the shapes and types of a pair "
            f"drawn there. Received: {restricted}, expected: {drawn}. Halve every side "
            "of the image-like tensors in `restrict`."
        )
