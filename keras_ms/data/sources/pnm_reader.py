"""PGM and PPM files of more than 8 bits, whose colours Pillow would cut to 8."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

import numpy as np

from keras_ms.data.sources.stored import WHITE, Header, Stored

SIGNATURES = (b"P2", b"P3", b"P5", b"P6")
_FIELD = rb"(?:\s+|#[^\n]*\n)+(\d+)"
_START = re.compile(rb"P([2356])" + 3 * _FIELD + rb"\s")

Path = str | os.PathLike[str]


class _Start(NamedTuple):
    plain: bool
    header: Header
    greatest: int
    length: int


def _start(content: bytes) -> _Start | None:
    match = _START.match(content)
    if match is None:
        return None
    kind, width, height, greatest = (int(field) for field in match.groups())
    bands = 3 if kind in (3, 6) else 1
    known = Header(height, width, bands, np.dtype(np.uint16))
    return _Start(kind < 5, known, greatest, match.end())


def header(path: Path) -> Header | None:
    """Size and bands of a file of more than 8 bits; `None` for any other, which Pillow reads."""
    with open(path, "rb") as file:
        start = _start(file.read(4096))
    return start.header if start is not None and 255 < start.greatest <= WHITE else None


def greatest(path: Path) -> int | None:
    """The value that is white, of however many bits; `None` if the head makes no sense."""
    with open(path, "rb") as file:
        start = _start(file.read(4096))
    return None if start is None else start.greatest


def decoded(path: Path, max_megapixels: float) -> Stored:
    """The picture in a file that `header` knows; its greatest value becomes 65535.

    Raises:
        ValueError: If it is too large or too short.
    """
    with open(path, "rb") as file:
        content = file.read()
    start = _start(content)
    assert start is not None  # `header` knew it
    start.header.check(max_megapixels)
    height, width, bands = start.header[:3]
    count = height * width * bands
    if start.plain:
        values = np.array(content[start.length :].split()[:count], np.uint32)
    else:
        values = np.frombuffer(content, ">u2", min(count, _left(content, start)), start.length)
    if values.size < count:
        raise ValueError("it ends before its last pixel")
    pixels = values.reshape(height, width, bands)
    if start.greatest != WHITE:
        pixels = np.round(np.minimum(pixels, start.greatest) * (WHITE / start.greatest))
    return Stored(pixels.astype(np.uint16), None, 1, "PPM")


def _left(content: bytes, start: _Start) -> int:
    return (len(content) - start.length) // 2
