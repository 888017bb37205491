"""What a picture file holds, at its own depth and number of bands, for all readers of files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from PIL import Image

from keras_ms.data.sources import (
    pillow_reader,
    png_chunks,
    png_reader,
    pnm_reader,
    tiff_reader,
)
from keras_ms.data.sources.hidden_colours import filled
from keras_ms.data.sources.pillow_reader import unreadable
from keras_ms.data.sources.stored import (
    LYING,
    MAX_MEGAPIXELS,
    Header,
    RefusedError,
    Stored,
    full,
    upright,
)

Path = str | os.PathLike[str]
Made = TypeVar("Made")
LOSSLESS_IN_PILLOW = ("I;16", "I;16B", "I;16L", "F")


def header(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Size, bands (without alpha) and type of the pixels that `stored` returns, undecoded.

    Raises:
        ValueError: If the file cannot be read as a picture.
    """
    found = _by_kind(
        path,
        png=lambda: png_reader.header(path),
        pnm=lambda: pnm_reader.header(path),
        tiff=lambda file: tiff_reader.header(file),
        other=lambda: pillow_reader.header(path, max_megapixels),
    )
    with _named(path):
        found.check(max_megapixels)
    return found


def stored(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Stored:
    """Reads a picture file as stored: at its depth, with its bands and its alpha, unturned.

    Args:
        path: The file.
        max_megapixels: Larger pictures are refused.

    Raises:
        ValueError: If the file cannot be read as a picture, or not without loss.
    """

    def png() -> Stored | None:
        if png_reader.header(path) is None:
            return None
        return png_reader.decoded(path, max_megapixels, pillow_reader.orientation(path))

    def pnm() -> Stored | None:
        return pnm_reader.decoded(path, max_megapixels) if pnm_reader.header(path) else None

    return _by_kind(
        path,
        png=png,
        pnm=pnm,
        tiff=lambda file: tiff_reader.decoded(file, max_megapixels),
        other=lambda: pillow_reader.decoded(path, max_megapixels),
    )


def stored_pixels(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """Reads a picture file at its own depth and number of bands, upright.

    Palettes become RGB. Alpha is left out: pixels of no opacity, whose colours nobody sees, get
    those of the nearest pixel that can be seen.

    Args:
        path: The file.
        max_megapixels: Larger pictures are refused.

    Returns:
        Array `(height, width, bands)` of 1 to 32 bands; uint8 in [0, 255], uint16 in [0, 65535],
        or float32 or float64 with the values of the file. Integers of other types become floats
        of the same values.

    Raises:
        ValueError: If the file cannot be read as a picture, or not without loss, or all of it is
            transparent.

    Example:
        >>> stored_pixels("scan.tif").shape  # doctest: +SKIP
        (1024, 768, 8)
    """
    found = stored(path, max_megapixels)
    with _named(path):
        pixels = filled(found.pixels, found.alpha)
    return np.ascontiguousarray(upright(pixels, found.orientation))


def stored_colours(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
    """Reads a picture of 8 bits as RGB, upright, colours as they are written even where hidden.

    Returns:
        Array `(height, width, 3)`, uint8.

    Raises:
        ValueError: If the file cannot be read as a picture of 8 bits of one or three bands.
    """
    found = stored(path, max_megapixels)
    bands = found.pixels.shape[-1]
    if found.pixels.dtype != np.uint8 or bands not in (1, 3):
        raise unreadable(
            path, f"colours have 8 bits and 3 bands, it has {bands} bands of {found.pixels.dtype}"
        )
    pixels = upright(found.pixels, found.orientation)
    return np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))


def is_tiff(path: Path) -> bool:
    """Whether a file begins as TIFF files do."""
    with _named(path), open(path, "rb") as file:
        return file.read(8).startswith(tiff_reader.SIGNATURES)


def orientation(path: Path) -> int:
    """How the pixels of a file are turned, 1 to 8 as in EXIF; 1 where nothing says so."""
    if is_tiff(path):
        with contextlib.suppress(Exception):  # one that Pillow knows better
            return tiff_reader.opened(path, tiff_reader.orientation)
    return pillow_reader.orientation(path)


def lies(path: Path) -> bool:
    """Whether the rows of a file are columns of its picture."""
    return orientation(path) >= LYING


def _by_kind(
    path: Path,
    png: Callable[[], Made | None],
    pnm: Callable[[], Made | None],
    tiff: Callable[[object], Made],
    other: Callable[[], Made],
) -> Made:
    """What the reader that loses nothing makes of a file, chosen by its first bytes."""
    with _named(path), open(path, "rb") as file:
        start = file.read(8)
    found = None
    with _named(path):
        if start == png_chunks.SIGNATURE:
            found = png()
        elif start.startswith(pnm_reader.SIGNATURES):
            found = pnm()
        elif start.startswith(tiff_reader.SIGNATURES):
            found = _of_tiff(path, tiff, other)
    return other() if found is None else found


def _of_tiff(path: Path, tiff: Callable[[object], Made], other: Callable[[], Made]) -> Made | None:
    """What tifffile makes of a file, or Pillow where it knows more: one helps out the other."""
    try:
        found = tiff_reader.opened(
            path, lambda file: tiff(file) if tiff_reader.is_ours(file) else None
        )
    except RefusedError:
        raise
    except Exception as error:  # a compression that tifffile lacks, or a damaged directory
        with contextlib.suppress(ValueError):
            one = tiff_reader.opened(path, tiff_reader.is_of_one_band)
            if one and pillow_reader.opened(path, _loses_nothing, load=False):
                return other()
        raise error
    if found is not None:
        return found
    try:
        return other()
    except ValueError as error:  # tags that Pillow stumbles over
        with contextlib.suppress(Exception):
            return tiff_reader.opened(
                path, lambda file: tiff(file) if tiff_reader.is_known(file) else None
            )
        raise error


def _loses_nothing(image: Image.Image) -> bool:
    return image.mode in LOSSLESS_IN_PILLOW


@contextlib.contextmanager
def _named(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # readers and damaged files fail in ways of their own
        raise unreadable(path, error) from error


__all__ = [
    "Header",
    "Stored",
    "full",
    "header",
    "is_tiff",
    "lies",
    "orientation",
    "stored",
    "stored_colours",
    "stored_pixels",
    "unreadable",
    "upright",
]
