"""Class maps in picture files: a number at every pixel, not a colour."""

from __future__ import annotations

import contextlib
import os

import numpy as np

from keras_ms.data.sources import pillow_reader, tiff_reader
from keras_ms.data.sources.picture_file import is_tiff, stored, unreadable, upright
from keras_ms.data.sources.pillow_pictures import indices
from keras_ms.data.sources.stored import MAX_MEGAPIXELS
from keras_ms.data.sources.written_shades import as_written

Path = str | os.PathLike[str]
EXPECTED = "a class map has one integer a pixel: a palette, or shades of grey"
MOST = 2.0**53
"""Floats of 64 bits hold every integer below."""


def stored_indices(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """Reads a class map, upright: the numbers that the file holds, whatever they look like.

    Palette pictures give the indices, not the colours; grey ones the numbers as written, whatever
    their bits and whatever is white in them; those of 1 bit 0 for black and 1 for white. Floats
    are taken if all are whole numbers. Colour pictures whose bands are equal give one of them.

    Args:
        path: The file.
        max_megapixels: Larger pictures are refused.

    Returns:
        Integers `(height, width)`: of the file's type; int32 or int64 for floats.

    Raises:
        ValueError: If the file cannot be read, or has colours or fractions.

    Example:
        >>> stored_indices("mask.png").max()  # doctest: +SKIP
        11
    """
    found = _by_tifffile(path)
    if found is None:
        found = _by_pillow(path, max_megapixels)
    if found is None:
        found = as_written(_of_bands(path, max_megapixels), path)
    return np.ascontiguousarray(found)


def _by_pillow(path: Path, max_megapixels: float) -> np.ndarray | None:
    with contextlib.suppress(ValueError):  # told where all bands are read
        found = pillow_reader.opened(path, indices, max_megapixels, load=False)
        if found is None or is_tiff(path):  # which Pillow turns itself
            return found
        return upright(found, pillow_reader.orientation(path))
    return None


def checked_equal(bands: np.ndarray) -> np.ndarray:
    """One of equal bands `(height, width, 1)`.

    Raises:
        ValueError: If they differ.
    """
    if bands.shape[-1] > 1 and np.any(bands != bands[..., :1]):
        raise ValueError(
            f"{EXPECTED}; it has {bands.shape[-1]} bands of {bands.dtype} that differ. Name the "
            "colours of a mask: classes={(0, 0, 0): 0, (128, 0, 0): 1}"
        )
    return bands[..., :1]


def _of_bands(path: Path, max_megapixels: float) -> np.ndarray:
    found = stored(path, max_megapixels)
    try:
        one = checked_equal(found.pixels)[..., 0]
    except ValueError as error:
        raise unreadable(path, error) from error
    one = upright(one, found.orientation)
    return one if one.dtype.kind == "u" else _whole(path, one)


def _whole(path: Path, values: np.ndarray) -> np.ndarray:
    """Floats as integers."""
    wrong = values[(np.floor(values) != values) | ~(np.abs(values) < MOST)]
    if wrong.size:
        raise unreadable(
            path, f"{EXPECTED}; it has floats that are no whole numbers, such as {wrong[0]:g}"
        )
    small = np.all(np.abs(values) < np.iinfo(np.int32).max)
    return values.astype(np.int32 if small else np.int64)


def _by_tifffile(path: Path) -> np.ndarray | None:
    """The integers of a TIFF file of one band, of any type; `None` of other files."""

    def integers(file: object) -> np.ndarray | None:
        return tiff_reader.integers(file)

    with contextlib.suppress(Exception):  # no TIFF, or one that Pillow knows better
        if is_tiff(path):
            return tiff_reader.opened(path, integers)
    return None
