"""Random rectangles in fractions of the image, rasterised on any mesh."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

Tensor = Any


def draw_rectangles(
    batch_size: Tensor,
    sides: tuple[int, ...],
    most: int,
    side_range: tuple[float, float],
    seed: Tensor,
) -> Tensor:
    """Draws boxes and marks the pixels that lie wholly inside one.

    Args:
        batch_size: Number of images.
        sides: Sides of the mesh, in pixels.
        most: Most boxes per image; their number is uniform in `1 .. most`.
        side_range: Bounds of a box's sides as fractions of the image's.
        seed: Stateless seed, shape `(2,)`. The same seed gives the same boxes on every mesh.

    Returns:
        `(batch, *sides, most)`, float32: 1 inside box `k` in channel `k`, and 0 elsewhere.
    """
    count_seed, side_seed, place_seed = tf.unstack(tf.random.split(seed, 3))
    shape = (batch_size, len(sides), most)
    extent = tf.random.stateless_uniform(shape, side_seed, *side_range)
    begin = tf.random.stateless_uniform(shape, place_seed) * (1.0 - extent)
    number = tf.random.stateless_uniform((batch_size, 1), count_seed, 1, most + 1, tf.int32)
    inside = tf.cast(tf.range(most) < number, tf.float32)
    inside = tf.reshape(inside, (-1, *(1,) * len(sides), most))
    for axis, side in enumerate(sides):
        covered = _covered(begin[:, axis], begin[:, axis] + extent[:, axis], side)
        inside *= tf.reshape(
            covered, (-1, *(1,) * axis, side, *(1,) * (len(sides) - axis - 1), most)
        )
    return inside


def _covered(begin: Tensor, end: Tensor, side: int) -> Tensor:
    # Sides of two levels differ by a power of two, so these products round alike on both.
    pixel = tf.range(side, dtype=tf.float32)[tf.newaxis, :, tf.newaxis]
    begin, end = (edge[:, tf.newaxis] * float(side) for edge in (begin, end))
    return tf.cast((begin <= pixel) & (pixel + 1.0 <= end), tf.float32)
