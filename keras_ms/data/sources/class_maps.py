"""Class maps in picture files: a number at every pixel, not a colour."""

from __future__ import annotations

import contextlib
import os

import numpy as np
from PIL import Image

from keras_ms.data.sources import pillow_reader, png_chunks, tiff_reader
from keras_ms.data.sources.picture_file import is_tiff, stored, unreadable, upright
from keras_ms.data.sources.stored import MAX_MEGAPIXELS

Path = str | os.PathLike[str]


def stored_indices(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """Reads a class map, upright: the numbers that the file holds, whatever they look like.

    Palette pictures give the indices, not the colours; grey ones of 2, 4, 8 or 16 bits the values
    as written, and those of 1 bit 0 and 1. Colour pictures whose bands are equal give one of them.

    Args:
        path: The file.
        max_megapixels: Larger pictures are refused.

    Returns:
        Integers `(height, width)`, of the smallest type that the file's own values fit in.

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
        found = _of_bands(path, max_megapixels)
    if bits := _few_bits(path):
        found = found // (255 // (2**bits - 1))  # Pillow spreads them over 0 to 255
    return np.ascontiguousarray(found)


def _by_pillow(path: Path, max_megapixels: float) -> np.ndarray | None:
    with contextlib.suppress(ValueError):  # told where all bands are read
        found = pillow_reader.opened(path, _indices, max_megapixels)
        if found is None or is_tiff(path):  # which Pillow turns itself
            return found
        return upright(found, pillow_reader.orientation(path))
    return None


def _indices(image: Image.Image) -> np.ndarray | None:
    if image.mode in ("P", "PA"):
        array = np.asarray(image)
        return array[..., 0] if image.mode == "PA" else array
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8)
    return None


def _of_bands(path: Path, max_megapixels: float) -> np.ndarray:
    found = stored(path, max_megapixels)
    bands = found.pixels
    if bands.dtype.kind != "u" or np.any(bands != bands[..., :1]):
        raise unreadable(
            path,
            "a class map has one integer a pixel: a palette, or shades of grey; it has "
            f"{bands.shape[-1]} bands of {bands.dtype} that differ. Name the colours of a mask:"
            " classes={(0, 0, 0): 0, (128, 0, 0): 1}",
        )
    return upright(bands[..., 0], found.orientation)


def _by_tifffile(path: Path) -> np.ndarray | None:
    """The integers of a TIFF file of one band, of any type; `None` of other files."""

    def integers(file: object) -> np.ndarray | None:
        return tiff_reader.integers(file)

    with contextlib.suppress(Exception):  # no TIFF, or one that Pillow knows better
        if is_tiff(path):
            return tiff_reader.opened(path, integers)
    return None


def _few_bits(path: Path) -> int:
    """Bits of a grey PNG file of 2 or 4; 0 of any other file."""
    try:
        found = png_chunks.header(path)
    except ValueError:
        return 0
    return found.bits if found.colour_type == 0 and found.bits in (2, 4) else 0
