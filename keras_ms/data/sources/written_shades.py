"""Grey files whose shades readers spread over the whole range: back to the numbers written there.

PNG and TIFF files of 2 and 4 bits, PGM and PPM files of another greatest value than that of the
type, and TIFF files in which 0 is white.
"""

from __future__ import annotations

import contextlib
import os

import numpy as np

from keras_ms.data.sources import png_chunks, pnm_reader, tiff_reader
from keras_ms.data.sources.stored import WHITE, full

Path = str | os.PathLike[str]
FEW_BITS = (2, 4)


def as_written(values: np.ndarray, path: Path) -> np.ndarray:
    """Undoes what a reader does to shades so that they look right.

    Args:
        values: Shades as they were read, uint8 or uint16, white as the greatest of the type.
        path: The file that they are from.

    Returns:
        The numbers in the file, of the same type.

    Example:
        >>> as_written(np.array([0, 17, 255], "uint8"), "of_4_bits.png")  # doctest: +SKIP
        array([ 0,  1, 15], dtype=uint8)
    """
    white = int(full(values.dtype))
    greatest, inverted = _head(path)
    if greatest not in (None, white):
        values = np.round(values * (greatest / white)).astype(values.dtype)
    if inverted and values.dtype == np.uint8:  # readers turn round those of 8 bits alone
        values = (greatest or white) - values
    return values


def are_spread(path: Path) -> bool:
    """Whether a reader spreads the shades of a grey file: its greatest is not that of the type."""
    return _head(path)[0] not in (None, 255, WHITE)


def _head(path: Path) -> tuple[int | None, bool]:
    """The number that stands for white where it is not the type's, and whether 0 is white."""
    with contextlib.suppress(Exception):  # of another kind, or damaged: its reader says so
        with open(path, "rb") as file:
            start = file.read(8)
        if start == png_chunks.SIGNATURE:
            found = png_chunks.header(path)
            return _of_bits(found.bits) if found.colour_type == 0 else None, False
        if start.startswith(pnm_reader.SIGNATURES):
            return pnm_reader.greatest(path), False
        if start.startswith(tiff_reader.SIGNATURES):
            bits, inverted = tiff_reader.opened(path, tiff_reader.bits_and_white)
            return _of_bits(bits), inverted
    return None, False


def _of_bits(bits: int) -> int | None:
    return 2**bits - 1 if bits in FEW_BITS else None
