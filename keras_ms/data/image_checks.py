"""Clean images, one after another, and what they must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf


def arrays(images: Iterable[Any], rank: int) -> Iterator[np.ndarray]:
    """Images as arrays `(*spatial, channels)`; those without channels have one.

    Args:
        images: Arrays, or a finite `tf.data.Dataset` of tensors.
        rank: Number of spatial dimensions.

    Raises:
        ValueError: If a dataset has no end, or more than images.
    """
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
    for image in images:
        array = np.asarray(image)
        yield array[..., np.newaxis] if array.ndim == rank else array


class ImageCheck:
    """Compares every image with the first and with the crop.

    Args:
        sides: Sides of the crop; every image must be at least as large.
    """

    def __init__(self, sides: tuple[int, ...]) -> None:
        self._sides = sides
        self._first: tuple[int, Any] | None = None
        self._seen = 0
        self._small: list[tuple[int, tuple[int, ...]]] = []

    def admits(self, array: np.ndarray) -> bool:
        """Whether an image is as large as the crop; too small ones are counted.

        Raises:
            ValueError: If it has a wrong rank, type, range or number of channels.
        """
        index, self._seen = self._seen, self._seen + 1
        if self._first is None:
            self._first = array.shape[-1] if array.ndim else 0, array.dtype
        channels, dtype = self._first
        fits = array.ndim == len(self._sides) + 1 and array.shape[-1] == channels
        if not fits or array.size == 0:
            raise ValueError(
                "Images must have the shape (*spatial, channels) with "
                f"{len(self._sides)} spatial dimensions, pixels, and the channels of the first, "
                f"{channels}. Received: image {index} of shape {array.shape}."
            )
        if array.dtype != dtype or not _valid_range(array):
            raise ValueError(
                "Images must be all uint8 in [0, 255], or all floating, finite and in [0, 1]. "
                f"Received: image {index} of type {array.dtype}, values in "
                f"[{array.min()}, {array.max()}]; the first is {dtype}."
            )
        large = all(have >= want for have, want in zip(array.shape, self._sides, strict=False))
        if not large:
            self._small.append((index, array.shape[:-1]))
        return large

    def finish(self) -> None:
        """Raises `ValueError` if there was no image, or one smaller than the crop."""
        if not self._seen:
            raise ValueError("There is no image to train on. Received: images=[].")
        if self._small:
            index, shape = self._small[0]
            raise ValueError(
                f"{len(self._small)} of {self._seen} images are smaller than the crop. Received: "
                f"image {index} of size {shape}, image_size {self._sides}. Remove them or use a "
                "smaller image_size."
            )


def _valid_range(array: np.ndarray) -> bool:
    if array.dtype == np.uint8:
        return True
    floating = np.issubdtype(array.dtype, np.floating)
    return bool(floating and array.min() >= 0.0 and array.max() <= 1.0)
