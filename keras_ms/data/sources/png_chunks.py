"""The chunks of a PNG file: what its pixels depend on, and what only accompanies them."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import IO, NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"
OF_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
COLOURED = 2  # bit of the colour type
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
    for name, content, checksum in chunks(path):
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
        copy.write(source.read(33))
        for name, content in added:
            _write(copy, name, content)
        shutil.copyfileobj(source, copy)


def _write(file: IO[bytes], name: bytes, content: bytes) -> None:
    file.write(struct.pack(">I", len(content)) + name + content)
    file.write(struct.pack(">I", zlib.crc32(name + content)))
