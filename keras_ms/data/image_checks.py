"""Clean images, one after another, and what they must be."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_ms.data.inputs import batches, dataset_graph
from keras_ms.data.inputs.dataset_elements import elements_of
from keras_ms.data.inputs.going_on import going_on
from keras_ms.data.inputs.plain_elements import elements_and_length
from keras_ms.data.skipped import Skipped
from keras_ms.data.sources.folder import read_image
from keras_ms.data.sources.pillow_pictures import shown

CHANNELS = 4  # an axis so short is one of colours


def named_arrays(images: Iterable[Any], sides: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    """Images as arrays `(*spatial, channels)`, with names; those without channels have one.

    One that its source cannot make comes as the exception, if others follow.

    Args:
        images: Arrays, Pillow images or paths of picture files, in an iterable, a sequence, a
            `keras.utils.PyDataset` of batches or a generator function; a finite `tf.data.Dataset`
            of tensors, batched or not; or what has a method `named()`, such as `FolderImages`.
        sides: Sides of the crop.

    Raises:
        ValueError: If a dataset has no end, or more than images; if `images` is one image, no
            source of any, or ends with an error; if one is a masked array, or a file that cannot be
            read.
    """
    _check_many(images, sides)
    if hasattr(images, "named"):
        found = images.named()
    elif isinstance(images, tf.data.Dataset):
        _check_dataset(images)
        found = _of_dataset(images, len(sides))
    else:
        entries = enumerate(going_on(*elements_and_length(images)))
        found = ((_name(image, number), image) for number, image in entries)
    for name, image in found:
        if isinstance(image, Exception):
            yield name, image
            continue
        array = _array(name, image)
        yield name, array[..., np.newaxis] if array.ndim == len(sides) else array


def _of_dataset(images: tf.data.Dataset, dims: int) -> Iterator[tuple[str, Any]]:
    """Images of a dataset by name; those that its `.batch()` has put together are taken apart."""
    batched = bool(dataset_graph.are_batches(images))
    for number, image in elements_of(images, lambda image: image, many=not batched):
        if batched and not isinstance(image, Exception) and image.ndim == dims + 2:
            yield from batches.taken_apart(f"image {number}", image)
        else:
            yield f"image {number}", image


def _check_dataset(images: tf.data.Dataset) -> None:
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


def _check_many(images: Any, sides: tuple[int, ...]) -> None:
    """Refuses one image where there should be a list of them."""
    if isinstance(images, (str, os.PathLike)):
        raise ValueError(
            "`images` are many images. Received: the path "
            f"{os.fspath(images)!r}. Use keras_ms.data.FolderImages(path) for a folder, [path] "
            "for one file."
        )
    one = isinstance(images, Image.Image)
    if hasattr(images, "ndim") and hasattr(images, "shape") and not one:
        one = _is_one(tuple(images.shape), sides)
    if one:
        shown = getattr(images, "shape", None) or f"size {images.size}"
        raise ValueError(
            f"`images` are many images. Received: one {type(images).__name__} of {shown}, which "
            "looks like a single image. Use [image]."
        )


def _is_one(shape: tuple[int, ...], sides: tuple[int, ...]) -> bool:
    """Whether the entries of an array are too flat for crops, but the array itself is not."""
    rank = len(sides)
    if len(shape) == rank:
        return True
    if len(shape) != rank + 1:
        return False
    whole, entries = (
        all(have >= want for have, want in zip(part, sides, strict=True))
        for part in (shape[:rank], shape[1:])
    )
    return not entries and (whole or shape[-1] <= CHANNELS)


def _name(image: Any, number: int) -> str:
    return os.fspath(image) if isinstance(image, (str, os.PathLike)) else f"image {number}"


def _array(name: str, image: Any) -> np.ndarray:
    if isinstance(image, Mapping) or (isinstance(image, tuple) and any(map(_is_image, image))):
        raise ValueError(
            f"With a task, a source yields clean images alone. Received: {name}, a "
            f"{type(image).__name__} of {len(image)} parts. Leave out all but the image."
        )
    if isinstance(image, (str, os.PathLike)):
        return read_image(os.fspath(image))
    if isinstance(image, Image.Image):
        return shown(image)
    if np.ma.isMaskedArray(image):
        if np.ma.is_masked(image):
            raise ValueError(
                "Masked pixels have no value to train on. Received: "
                f"{name}, a masked array of shape {image.shape} with {np.ma.count_masked(image)} "
                "masked values. Use image.filled(value), or leave the image out."
            )
        return np.asarray(image.data)
    return np.asarray(image)


def _is_image(part: Any) -> bool:
    return hasattr(part, "shape") or isinstance(part, Image.Image)


class ImageCheck:
    """Compares every image with the first and with the crop.

    Args:
        sides: Sides of the crop.
        skipped: Counts the images that are smaller, or cannot be made.
    """

    def __init__(self, sides: tuple[int, ...], skipped: Skipped) -> None:
        self._sides, self._skipped = sides, skipped
        self._first: tuple[int, Any] | None = None

    def admits(self, name: str, array: Any) -> bool:
        """Whether an image is there and as large as the crop; others are counted.

        Raises:
            ValueError: If it has a wrong rank, type, range or number of channels.
        """
        if isinstance(array, Exception):
            self._skipped.add(name, _why(array))
            return False
        if self._first is None:
            self._first = array.shape[-1] if array.ndim else 0, array.dtype
        channels, dtype = self._first
        fits = array.ndim == len(self._sides) + 1 and array.shape[-1] == channels
        if not fits or array.size == 0:
            raise ValueError(
                "Images must have the shape (*spatial, channels) with "
                f"{len(self._sides)} spatial dimensions, pixels, and the channels of the first, "
                f"{channels}. Received: {name} of shape {array.shape}."
            )
        if not _alike(array.dtype, dtype) or not _valid_range(array):
            raise ValueError(
                "Images must be all uint8, all uint16, or all floating, finite and in [0, 1]. "
                f"Received: {name} of type {array.dtype}, values in "
                f"[{array.min()}, {array.max()}]; the first is {dtype}. Use for example "
                "image.astype('float32') / 255."
            )
        size = array.shape[:-1]
        large = all(have >= want for have, want in zip(size, self._sides, strict=True))
        if large:
            self._skipped.admitted()
        else:
            self._skipped.add(name, f"of size {size}, smaller than image_size {self._sides}")
        return large

    def finish(self) -> None:
        """Warns of images that were left out.

        Raises:
            ValueError: If there was no image, or too many were left out.
        """
        if not self._skipped.total:
            raise ValueError("There is no image to train on. Received: images=[].")
        self._skipped.finish()


def _why(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(getattr(error, "reason", error))  # without the name, which is said anyway
    return f"{type(error).__name__}: {error}"


def _alike(dtype: np.dtype, first: np.dtype) -> bool:
    # Floats of other widths become those of the first.
    return dtype == first or (dtype.kind == "f" and first.kind == "f")


def _valid_range(array: np.ndarray) -> bool:
    if array.dtype.name in ("uint8", "uint16"):
        return True
    floating = np.issubdtype(array.dtype, np.floating)
    return bool(floating and array.min() >= 0.0 and array.max() <= 1.0)
