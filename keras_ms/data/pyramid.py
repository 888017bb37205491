"""Images, each decoded once and coarsened once, from which windows are cut by index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms import restriction
from keras_ms.data.geometry import Window
from keras_ms.data.image_checks import ImageCheck, named_arrays
from keras_ms.data.pixels import Pixels
from keras_ms.data.skipped import Skipped
from keras_ms.data.slabs import slabs
from keras_ms.data.sources.stored import full
from keras_ms.validation import checked_statistics

Tensor = Any

CACHE_BYTES = 4 * 2**30
MAX_BAD_FRACTION = 0.25


class PyramidStore:
    """The pyramids of all images, one flat `(pixels, channels)` tensor per pyramid level.

    Images may differ in size. Cutting the windows of a whole batch is a single `tf.gather`, so a
    coarse batch costs coarse pixels and no work is done per image. Level 0 keeps the images' own
    type; coarser levels are float32, exact for 8-bit images. Images are taken one after another
    and not kept. As soon as there are more than `cache_bytes` of pixels, the finest level in memory
    moves to a temporary file, and so on: coarse levels, most often asked for, go last.

    Args:
        images: Arrays `(*spatial, channels)`, or `(*spatial)` for one channel; all uint8 in
            [0, 255], all uint16 in [0, 65535] or all floating in [0, 1]. Pillow images, paths of
            files and a finite `tf.data.Dataset` of such tensors work as well.
        depth: Number of coarsenings to prepare, `0` for none.
        sides: Sides of the finest window; smaller images are skipped.
        mean: Mean to subtract after scaling to [0, 1], a number or one per channel.
        std: Standard deviation to divide by, likewise.
        cache_bytes: Bytes of pixels to keep in memory. Defaults to 4 GiB.
        max_bad_fraction: The greatest part of the images that may be skipped for being too
            small, with a warning that names them. Defaults to 0.25.

    Raises:
        ValueError: If there is no image, or an image has a wrong rank, type, range or number of
            channels, or is not finite; if too many are smaller than `sides`; if `mean` or `std`
            do not fit.
    """

    def __init__(
        self,
        images: Iterable[Any],
        depth: int,
        sides: tuple[int, ...],
        mean: float | Sequence[float] = 0.5,
        std: float | Sequence[float] = 0.5,
        cache_bytes: int = CACHE_BYTES,
        max_bad_fraction: float = MAX_BAD_FRACTION,
    ) -> None:
        self.depth, self.alignment = depth, 2**depth
        self._cache_bytes = cache_bytes
        self._levels: list[Pixels] = []
        sizes: list[list[tuple[int, ...]]] = [[] for _ in range(depth + 1)]
        check = ImageCheck(sides, Skipped(max_bad_fraction))
        for name, array in named_arrays(images, sides):
            if check.admits(name, array):
                if not self._levels:
                    self._begin(array, depth, mean, std)
                self._add(_trim(array, self.alignment), sizes)
        check.finish()
        self.num_images = len(sizes[0])
        self._shapes = [tf.constant(shapes, tf.int64) for shapes in sizes]
        counts = [np.prod(shapes, axis=1, dtype=np.int64) for shapes in sizes]
        self._starts = [tf.constant(np.cumsum(n) - n) for n in counts]
        for level in self._levels:
            level.close()

    def _begin(self, first: np.ndarray, depth: int, mean: Any, std: Any) -> None:
        self.channels = first.shape[-1]
        self._mean, self._std = checked_statistics(mean, std, self.channels)
        self._scale = full(first.dtype)
        types = [first.dtype, *[np.float32] * depth]
        self._levels = [Pixels(self.channels, dtype) for dtype in types]

    def _add(self, field: np.ndarray, sizes: list[list[tuple[int, ...]]]) -> None:
        for number, shapes in enumerate(sizes):
            shapes.append(tuple(side >> number for side in field.shape[:-1]))
        # In slabs: a whole picture in floats, and all of its levels, may be more than there is.
        for slab in slabs(field, self.alignment):
            for number, level in enumerate(self._levels):
                slab = _coarsen(slab) if number else slab
                level.append(slab)
            while self.bytes_in_memory > self._cache_bytes:
                next(level for level in self._levels if level.bytes_in_memory).spill()

    @property
    def bytes_in_memory(self) -> int:
        """Bytes of pixels that are not in files."""
        return sum(level.bytes_in_memory for level in self._levels)

    def corners(self, image_ids: Tensor, sides: tuple[int, ...], seed: Tensor) -> Tensor:
        """Draws the corner of a window of `sides` for every image, on the coarsest grid.

        Corners are multiples of `2**depth` pixels: the window of every pyramid level then has
        whole pixels and all its positions are equally likely, whichever level asks.

        Args:
            image_ids: Indices of images, int64 of shape `(n,)`.
            sides: Sides of the finest window.
            seed: Stateless seed, shape `(2,)`.

        Returns:
            Corners `(n, spatial_dims)` in finest pixels, int64.
        """
        room = tf.gather(self._shapes[0], image_ids) - tf.constant(sides, tf.int64)
        places = room // self.alignment + 1
        # 2**31 values over at most a few thousand places: the modulo's bias is below 1e-5.
        draw = tf.random.stateless_uniform(
            tf.shape(places), seed, minval=0, maxval=2**31 - 1, dtype=tf.int64
        )
        return draw % places * self.alignment

    def cut(
        self, window: Window, image_ids: Tensor, corners: Tensor, flips: Tensor, every: int = 1
    ) -> Tensor:
        """Cuts one window of every image named and normalises it.

        Args:
            window: What to cut, relative to the corners.
            image_ids: Indices of images, int64 `(n,)`.
            corners: Corners of the finest windows, finest pixels, int64 `(n, spatial_dims)`.
            flips: Whether to mirror along the last spatial axis, bool `(n,)`.
            every: Which of the window's pixels, along every axis: the first of so many, which
                divides the sides.

        Returns:
            Normalised windows `(n, *sides, channels)`, float32.
        """
        shapes = tf.gather(self._shapes[window.pyramid_level], image_ids)
        strides = tf.math.cumprod(shapes, axis=1, exclusive=True, reverse=True)
        corners = corners // 2**window.pyramid_level + tf.constant(window.offset, tf.int64)
        index = tf.gather(self._starts[window.pyramid_level], image_ids)
        for axis, side in enumerate(window.sides):
            line = tf.range(side, dtype=tf.int64)[tf.newaxis]
            if axis == len(window.sides) - 1:
                line = tf.where(flips[:, tf.newaxis], side - 1 - line, line)
            line = (line[:, ::every] + corners[:, axis, tf.newaxis]) * strides[:, axis, tf.newaxis]
            index = index[..., tf.newaxis] + tf.reshape(line, (-1, *(1,) * axis, side // every))
        pixels = self._levels[window.pyramid_level].gather(index)
        pixels = tf.cast(pixels, tf.float32) / self._scale
        return (pixels - self._mean) / self._std


def _trim(array: np.ndarray, multiple: int) -> np.ndarray:
    return array[tuple(slice(side - side % multiple) for side in array.shape[:-1])]


def _coarsen(field: np.ndarray) -> np.ndarray:
    return restriction.average(tf.constant(field[np.newaxis], tf.float32))[0].numpy()
