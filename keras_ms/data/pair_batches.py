"""Batches of a user's own examples, restricted level by level."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import fields, geometry
from keras_ms.data.batch import MultiscaleBatch
from keras_ms.levels import Levels

Tensor = Any


class PairBatches:
    """Makes `MultiscaleBatch`es from a dataset of unbatched `(x, y)` or `(x, y, sample_weight)`.

    Each step takes as many consecutive examples as its terms need and deals them out to the terms
    at random, so that a dataset in a fixed order cannot give one term the same images for ever.
    """

    def __init__(
        self,
        pairs: tf.data.Dataset,
        levels: Levels,
        sides: tuple[int, ...] | None,
        coarsening: str,
        restriction: str,
        seed: int,
    ) -> None:
        pairs = _without_empty_weights(_checked(pairs))
        spec = pairs.element_spec
        self.sides = _target_sides(spec, levels.dims)
        _check_image_size(self.sides, sides)
        self._spec = keras.tree.map_structure(
            lambda leaf: tf.TensorSpec((None, *leaf.shape), leaf.dtype), spec
        )
        fields.check_pair(self._spec, self.sides, levels.num_levels)
        if next(iter(pairs), None) is None:  # its cardinality may be unknown
            raise ValueError("There is no example to train on. Received: an empty dataset.")
        self._pairs, self._levels = pairs, levels
        self._marks = fields.mark(self._spec, self.sides)
        steps = geometry.transitions(coarsening, levels.num_levels)
        geometry.windows(self.sides, steps)  # refuses sides that do not crop evenly
        self._restrictions = [restriction if step == "coarsen" else "crop" for step in steps]
        self._seed = tf.constant((seed, 0), tf.int32)

    def stream(self, finest: int, sizes: tuple[int, ...], start: Tensor) -> tf.data.Dataset:
        """Endless batches of a stage from step `start` on, not prefetched.

        The stage has a term of `sizes[k]` samples on level `finest + k`.
        """

        def batch(step: Tensor, examples: Any) -> MultiscaleBatch:
            return self._batch(step, examples, finest, sizes)

        examples = self._pairs.repeat().skip(self._position(start * sum(sizes)))
        examples = examples.batch(sum(sizes), drop_remainder=True)
        return examples.enumerate(start).map(batch, num_parallel_calls=tf.data.AUTOTUNE)

    def _position(self, examples: Tensor) -> Tensor:
        # Skipped examples are read and decoded, so never more than one pass of them.
        cardinality = self._pairs.cardinality()
        return examples % cardinality if cardinality > 0 else examples

    def _batch(
        self,
        step: Tensor,
        examples: Any,
        finest: int,
        sizes: tuple[int, ...],
    ) -> MultiscaleBatch:
        seed = tf.random.fold_in(self._seed, tf.cast(step, tf.int32))
        deal = tf.split(tf.random.experimental.stateless_shuffle(tf.range(sum(sizes)), seed), sizes)
        fine: list[Any] = [()] * self._levels.num_levels
        coarse: list[Any] = [()] * self._levels.num_levels
        coarsest = finest + len(sizes) - 1
        for level, hand in enumerate(deal, finest):
            term = keras.tree.map_structure(lambda leaf, h=hand: tf.gather(leaf, h), examples)
            for above in range(level):
                term = self._coarser(term, above)
            fine[level] = term
            if level < coarsest:
                coarse[level] = self._coarser(term, level)
        return MultiscaleBatch(tuple(fine), tuple(coarse))

    def _coarser(self, term: Any, level: int) -> Any:
        by = self._restrictions[level]
        return fields.restrict_structure(term, self._marks, by, len(self.sides))

    def specs(self) -> tuple[Any, ...]:
        """Specs of the batched example of every level, any batch size; one trace gives them all."""

        @tf.function
        def restricted(term: Any) -> tuple[Any, ...]:
            terms = [term]
            for level in range(self._levels.num_levels - 1):
                terms.append(self._coarser(terms[-1], level))
            return tuple(terms)

        made = restricted.get_concrete_function(self._spec).structured_outputs
        return keras.tree.map_structure(lambda t: tf.TensorSpec(t.shape, t.dtype), made)


def target_sides(pairs: Any, spatial_dims: int) -> tuple[int, ...]:
    """Sides of the targets of a dataset of examples.

    Raises:
        ValueError: If `pairs` is no dataset of examples with an image in them.
    """
    return _target_sides(_checked(pairs).element_spec, spatial_dims)


def _checked(pairs: Any) -> tf.data.Dataset:
    if not isinstance(pairs, tf.data.Dataset):
        raise ValueError(
            "Without a task, the first argument is a tf.data.Dataset of (x, y) or "
            f"(x, y, sample_weight) examples. Received: {type(pairs).__name__}. Pass a task to "
            "train on images alone."
        )
    spec = pairs.element_spec
    if not isinstance(spec, tuple) or len(spec) not in (2, 3):
        raise ValueError(
            "Examples are (x, y) or (x, y, sample_weight). "
            f"Received: a dataset of elements {spec}. Pass a task to train on images alone."
        )
    return pairs


def _without_empty_weights(pairs: tf.data.Dataset) -> tf.data.Dataset:
    # Known by its name: the class itself is not public in TensorFlow 2.18.
    if type(pairs.element_spec[-1]).__name__ == "NoneTensorSpec" and len(pairs.element_spec) == 3:
        return pairs.map(lambda x, y, _: (x, y))
    return pairs


def _target_sides(spec: Any, spatial_dims: int) -> tuple[int, ...]:
    leaves = [*keras.tree.flatten(spec[1]), *keras.tree.flatten(spec[0])]
    if any(leaf.shape.rank is None for leaf in leaves):
        raise ValueError(
            "The shapes of an example must be known. "
            f"Received: a dataset of elements {spec}. Use `.map(...)` with tf.ensure_shape."
        )
    images = [leaf for leaf in leaves if leaf.shape.rank == spatial_dims + 1]
    if not images:
        raise ValueError(
            f"No tensor of an example is an image with {spatial_dims} spatial dimensions and a "
            f"channel axis. Received: a dataset of elements {spec}. Examples must not be batched; "
            "use `.unbatch()` if they are."
        )
    return tuple(images[0].shape[:-1])


def _check_image_size(found: tuple[int, ...], asked: tuple[int, ...] | None) -> None:
    if asked is not None and None not in found and found != asked:
        raise ValueError(
            "Without a task, images are taken whole, so `image_size` can only be their size. "
            f"Received: image_size {asked}, images of size {found}. Leave it out, or crop the "
            "images with tf.image.random_crop."
        )
