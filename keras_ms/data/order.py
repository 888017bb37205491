"""In which order images are visited: a pure function of the seed and the position."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

Tensor = Any

MOST_SORTED = 4096
"""Images up to so many are sorted by random keys in every step; of more it takes too long."""
ROUNDS = 24
"""Of the cipher that permutes more; with TensorFlow's 4 the orders of passes are alike."""


def image_order(first: Tensor, count: int, num_images: int, seed: Tensor) -> Tensor:
    """Images at positions `first .. first + count - 1` of an endless shuffled visit.

    Every image comes once in each pass, whatever was asked before: for one `count` the visit is a
    function of seed and position, and a resumed run sees the batches of an uninterrupted one.

    Args:
        first: First position, scalar integer tensor.
        count: Number of positions.
        num_images: Number of images.
        seed: Stateless seed, shape `(2,)`.

    Returns:
        Image indices, int64 of shape `(count,)`.
    """
    ordered = _sorted if num_images <= MOST_SORTED else _permuted
    visit = ordered(first, count, num_images, seed)
    return tf.ensure_shape(tf.cast(visit, tf.int64), (count,))


def _sorted(first: Tensor, count: int, num_images: int, seed: Tensor) -> Tensor:
    """All orders are equally likely.

    Passes are grouped into blocks of at least `count` positions, so that any run of `count`
    positions touches two blocks at most; each block is shuffled on its own.
    """
    passes = math.ceil(count / num_images)
    length = passes * num_images
    block, start = first // length, first % length
    keys = tf.concat([_keys(block + ahead, passes, num_images, seed) for ahead in (0, 1)], axis=0)
    return tf.reshape(tf.argsort(keys, axis=1), (-1,))[start : start + count]


def _keys(block: Tensor, passes: int, num_images: int, seed: Tensor) -> Tensor:
    return tf.random.stateless_uniform(
        (passes, num_images),
        tf.random.fold_in(seed, tf.cast(block, tf.int32)),
        minval=None,
        maxval=None,
        dtype=tf.int32,
    )


def _permuted(first: Tensor, count: int, num_images: int, seed: Tensor) -> Tensor:
    """Every position is looked up by itself, in a permutation that its pass and the seed choose.

    So a step takes as long however many images there are.
    """
    positions = tf.cast(first, tf.int64) + tf.range(count, dtype=tf.int64)
    passes = positions // num_images
    touched = range(math.ceil(count / num_images) + 1)
    # The cipher reads a few low bits of its keys, so passes are no keys, but seeds of keys.
    keys = tf.stack([_key(passes[0] + ahead, seed) for ahead in touched])
    # Not tf.random.experimental.index_shuffle, which takes one seed for all positions.
    return tf.raw_ops.RandomIndexShuffle(
        index=positions % num_images,
        seed=tf.gather(keys, passes - passes[0]),
        max_index=tf.constant(num_images - 1, tf.int64),
        rounds=ROUNDS,
    )


def _key(of_pass: Tensor, seed: Tensor) -> Tensor:
    seed = tf.random.fold_in(seed, tf.cast(of_pass, tf.int32))
    return tf.random.stateless_uniform((3,), seed, minval=None, maxval=None, dtype=tf.int32)
