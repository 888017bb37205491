"""In which order images are visited: a pure function of the seed and the position."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

Tensor = Any


def image_order(first: Tensor, count: int, num_images: int, seed: Tensor) -> Tensor:
    """Images at positions `first .. first + count - 1` of an endless shuffled visit.

    Every image comes once in each pass. Passes are grouped into blocks of at least `count`
    positions, so that any run of `count` positions touches two blocks at most; each block is
    shuffled on its own, whatever was asked before, so for one `count` the visit is a function of
    seed and position, and a resumed run sees the batches of an uninterrupted one.

    Args:
        first: First position, scalar integer tensor.
        count: Number of positions.
        num_images: Number of images.
        seed: Stateless seed, shape `(2,)`.

    Returns:
        Image indices, int64 of shape `(count,)`.
    """
    passes = math.ceil(count / num_images)
    length = passes * num_images
    block, start = first // length, first % length
    keys = tf.concat([_keys(block + ahead, passes, num_images, seed) for ahead in (0, 1)], axis=0)
    visit = tf.reshape(tf.argsort(keys, axis=1), (-1,))[start : start + count]
    return tf.ensure_shape(tf.cast(visit, tf.int64), (count,))


def _keys(block: Tensor, passes: int, num_images: int, seed: Tensor) -> Tensor:
    return tf.random.stateless_uniform(
        (passes, num_images),
        tf.random.fold_in(seed, tf.cast(block, tf.int32)),
        minval=None,
        maxval=None,
        dtype=tf.int32,
    )
