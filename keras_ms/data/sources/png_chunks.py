"""The chunks of a PNG file: what its pixels depend on, and what only accompanies them."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
OF_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
COLOURED = 2  # bit of the colour type
PALETTE = 3
ALPHA = 4

Path = str | os.PathLike[str]


class Header(NamedTuple):
    """What the IHDR chunk says: sides in pixels, bits per channel, and the colour type."""

    width: int
    height: int
    bits: int
    colour_type: int

    @property
    def bands(self) -> int:
        """Bands without alpha, palettes expanded."""
        return 3 if self.colour_type & COLOURED else 1


def header(path: Path) -> Header:
    """Reads the IHDR chunk.

    Raises:
        ValueError: If there is none.
    """
    with open(path, "rb") as file:
        start = file.read(33)
    if not start.startswith(SIGNATURE) or start[12:16] != b"IHDR":
        raise ValueError("it has no header of a PNG file")
    return Header(*struct.unpack(">IIBB", start[16:26]))


def chunks(path: Path, skipped: tuple[bytes, ...] = ()) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Names, contents and checksums of the chunks, as they are in the file, right or not.

    Args:
        path: The file.
        skipped: Names of chunks whose contents are not read.
    """
    with open(path, "rb") as file:
        file.seek(len(SIGNATURE))
        while len(start := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", start)
            if name in skipped:
                file.seek(length + 4, os.SEEK_CUR)
                continue
            content = file.read(length)
            yield name, content, file.read(4)
            if name == b"IEND":
                return


def bare(path: Path, names: tuple[bytes, ...] = OF_PIXELS) -> bytes:
    """The file without what its pixels do not depend on, which readers may stumble over."""
    parts = [SIGNATURE]
    lengths = {0: (2,), COLOURED: (6,), PALETTE: range(1, 257)}.get(header(path).colour_type, ())
    for name, content, checksum in chunks(path):
        if name == b"tRNS" and len(content) not in lengths:
            continue
        if name in names:
            parts += [struct.pack(">I", len(content)), name, content, checksum]
    return b"".join(parts)


def content_of(path: Path, name: bytes) -> bytes | None:
    """The contents of the first chunk of a name before or after the pixels, or `None`."""
    found = (content for known, content, _ in chunks(path, (b"IDAT",)) if known == name)
    return next(found, None)


def insert(path: Path, added: Iterable[tuple[bytes, bytes]], target: Path) -> None:
    """Copies a PNG file, with chunks of these names and contents added behind its header."""
    with open(path, "rb") as source, open(target, "wb") as copy:
        copy.write(inserted(source.read(33), added))
        shutil.copyfileobj(source, copy)


def inserted(content: bytes, added: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A PNG file, or its beginning, with chunks of these names and contents behind its header."""
    return b"".join([content[:33], *(chunk(*part) for part in added), content[33:]])


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk as it stands in a file, with its length and its checksum."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
