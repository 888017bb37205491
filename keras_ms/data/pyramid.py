"""Images in memory, each decoded once and coarsened once, from which windows are cut by index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms import restriction
from keras_ms.data.geometry import Window

Tensor = Any


class PyramidStore:
    """The pyramids of all images, one flat `(pixels, channels)` tensor per pyramid level.

    Images may differ in size. Cutting the windows of a whole batch is a single `tf.gather`, so a
    coarse batch costs coarse pixels and no work is done per image. Level 0 keeps the images' own
    type; coarser levels are float32, exact for 8-bit images.

    Args:
        images: Arrays `(*spatial, channels)`, or `(*spatial)` for one channel; all uint8 in
            [0, 255] or all floating in [0, 1]. A finite `tf.data.Dataset` of such tensors works
            as well.
        depth: Number of coarsenings to prepare, `0` for none.
        sides: Sides of the finest window; every image must be at least as large.
        mean: Mean to subtract after scaling to [0, 1], a number or one per channel.
        std: Standard deviation to divide by, likewise.

    Raises:
        ValueError: If there is no image, or an image has a wrong rank, type, range or number of
            channels, is not finite, or is smaller than `sides`; if `mean` or `std` do not fit.
    """

    def __init__(
        self,
        images: Iterable[Any],
        depth: int,
        sides: tuple[int, ...],
        mean: float | Sequence[float] = 0.5,
        std: float | Sequence[float] = 0.5,
    ) -> None:
        arrays = _load(images, len(sides))
        _check(arrays, sides)
        self.num_images = len(arrays)
        self.channels = arrays[0].shape[-1]
        self.alignment = 2**depth
        self._mean, self._std = _normalization(mean, std, self.channels)
        self._scale = 255.0 if arrays[0].dtype == np.uint8 else 1.0
        self._pixels: list[Tensor] = []
        self._starts: list[Tensor] = []
        self._shapes: list[Tensor] = []
        fields = [_trim(array, self.alignment) for array in arrays]
        for level in range(depth + 1):
            self._append(fields)
            if level < depth:
                fields = [_coarsen(field) for field in fields]

    def _append(self, fields: list[np.ndarray]) -> None:
        counts = [field.size // self.channels for field in fields]
        flat = np.concatenate([field.reshape(-1, self.channels) for field in fields])
        self._pixels.append(tf.constant(flat))
        self._starts.append(tf.constant(np.cumsum([0, *counts[:-1]]), tf.int64))
        self._shapes.append(tf.constant([field.shape[:-1] for field in fields], tf.int64))

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

    def cut(self, window: Window, image_ids: Tensor, corners: Tensor, flips: Tensor) -> Tensor:
        """Cuts one window of every image named and normalises it.

        Args:
            window: What to cut, relative to the corners.
            image_ids: Indices of images, int64 `(n,)`.
            corners: Corners of the finest windows, finest pixels, int64 `(n, spatial_dims)`.
            flips: Whether to mirror along the last spatial axis, bool `(n,)`.

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
            line = (line + corners[:, axis, tf.newaxis]) * strides[:, axis, tf.newaxis]
            index = index[..., tf.newaxis] + tf.reshape(line, (-1, *(1,) * axis, side))
        pixels = tf.gather(self._pixels[window.pyramid_level], index)
        pixels = tf.cast(pixels, tf.float32) / self._scale
        return (pixels - self._mean) / self._std


def _normalization(mean: Any, std: Any, channels: int) -> tuple[np.ndarray, np.ndarray]:
    mean, std = np.asarray(mean, np.float32), np.asarray(std, np.float32)
    fit = all(values.shape in ((), (1,), (channels,)) for values in (mean, std))
    if not fit or not np.all(np.isfinite(mean)) or not np.all((std > 0.0) & np.isfinite(std)):
        raise ValueError(
            "`mean` and `std` are one number or one per channel, finite, `std` positive. "
            f"Received: mean={mean.tolist()}, std={std.tolist()} for images of {channels} channels."
        )
    return mean, std


def _load(images: Iterable[Any], rank: int) -> list[np.ndarray]:
    if isinstance(images, tf.data.Dataset):
        if not isinstance(images.element_spec, tf.TensorSpec):
            raise ValueError(
                "With a task, a dataset holds clean images alone. "
                f"Received: elements {images.element_spec}. Use `.map(...)` to keep the image."
            )
        if images.cardinality() == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "Images must be finitely many; this dataset repeats for ever. "
                f"Received: images={images}. Remove `.repeat()`: MultiscaleDataset repeats itself."
            )
        images = images.as_numpy_iterator()
    arrays = [np.asarray(image) for image in images]
    if not arrays:
        raise ValueError("There is no image to train on. Received: images=[].")
    return [array[..., np.newaxis] if array.ndim == rank else array for array in arrays]


def _check(arrays: list[np.ndarray], sides: tuple[int, ...]) -> None:
    first = arrays[0]
    channels = first.shape[-1] if first.ndim else 0
    for index, array in enumerate(arrays):
        fits = array.ndim == len(sides) + 1 and array.shape[-1] == channels
        if not fits or array.size == 0:
            raise ValueError(
                f"Images must have the shape (*spatial, channels) with {len(sides)} spatial "
                f"dimensions, pixels, and the channels of the first, {channels}. "
                f"Received: image {index} of shape {array.shape}."
            )
        if array.dtype != first.dtype or not _valid_range(array):
            raise ValueError(
                "Images must be all uint8 in [0, 255], or all floating, finite and in [0, 1]. "
                f"Received: image {index} of type {array.dtype}, values in "
                f"[{array.min()}, {array.max()}]; the first is {first.dtype}."
            )
    small = [
        (index, array.shape[:-1])
        for index, array in enumerate(arrays)
        if any(have < want for have, want in zip(array.shape, sides, strict=False))
    ]
    if small:
        raise ValueError(
            f"{len(small)} of {len(arrays)} images are smaller than the crop. Received: image "
            f"{small[0][0]} of size {small[0][1]}, image_size {sides}. Remove them or use a "
            "smaller image_size."
        )


def _valid_range(array: np.ndarray) -> bool:
    if array.dtype == np.uint8:
        return True
    floating = np.issubdtype(array.dtype, np.floating)
    return bool(floating and array.min() >= 0.0 and array.max() <= 1.0)


def _trim(array: np.ndarray, multiple: int) -> np.ndarray:
    return array[tuple(slice(side - side % multiple) for side in array.shape[:-1])]


def _coarsen(field: np.ndarray) -> np.ndarray:
    return restriction.average(tf.constant(field[np.newaxis], tf.float32))[0].numpy()
