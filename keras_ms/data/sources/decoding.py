"""What it takes of memory to decode a picture, and whether there is so much."""

from __future__ import annotations

import contextlib
import math
import os

from keras_ms.data.memory import available_bytes, in_words
from keras_ms.data.sources.picture_file import header
from keras_ms.data.sources.pillow_reader import unreadable
from keras_ms.data.sources.stored import MAX_MEGAPIXELS, Header

Path = str | os.PathLike[str]

TIMES = 2.5
"""As much as the pixels takes decoding: Pillow has 4 bytes a pixel of 3, and makes a copy."""
AT_ONCE_BYTES = 2**28
"""Pixels that may be decoded ahead of whoever takes them."""


def bytes_of(found: Header) -> int:
    """Bytes of the pixels of a picture, decoded."""
    return math.prod((found.height, found.width, found.bands, found.dtype.itemsize))


def decoded_bytes(*paths: Path) -> int:
    """Bytes of the pixels of files, by their heads; a file that cannot be read has none."""
    total = 0
    for path in paths:
        with contextlib.suppress(ValueError):
            total += bytes_of(header(path))
    return total


def check_room(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> None:
    """Refuses a picture whose decoding would take more memory than there is.

    Raises:
        UnreadableError: Naming the file, what it takes and what there is.
    """
    try:
        found = header(path, max_megapixels)
    except ValueError:  # whoever reads it says why
        return
    needed, there = TIMES * bytes_of(found), available_bytes()
    if needed > there:
        raise unreadable(
            path,
            f"decoding its {found.height} x {found.width} pixels takes {in_words(needed)} of "
            f"memory, and {in_words(there)} are free; cut it into tiles",
        )
