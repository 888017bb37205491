"""The segments of a JPEG file: what its pixels depend on, and what only accompanies them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

SIGNATURE = b"\xff\xd8"
SCAN = 0xDA
COMMENT = 0xFE
APPS = range(0xE0, 0xF0)
OF_PIXELS = (0xE0, 0xEE)  # JFIF's and Adobe's say which colours the channels are
EXIF = b"Exif\x00\x00"

Path = str | os.PathLike[str]


def segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Markers of the segments before the first scan, with where they begin and end."""
    place = len(SIGNATURE)
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
            continue
        if marker == SCAN:
            return
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        yield marker, place, end
        place = end


def bare(path: Path) -> bytes:
    """The file without what its pixels do not depend on, which readers may stumble over."""
    with open(path, "rb") as file:
        content = file.read()
    parts, place = [SIGNATURE], len(SIGNATURE)
    for marker, start, end in segments(content):
        droppable = marker == COMMENT or (
            marker in APPS and not _is_of_pixels(marker, content[start + 4 : end])
        )
        parts.append(content[place:start] if droppable else content[place:end])
        place = end
    return b"".join([*parts, content[place:]])


def _is_of_pixels(marker: int, part: bytes) -> bool:
    """Whether a segment is JFIF's or Adobe's, and whole."""
    name, length = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}.get(marker, (b"", 2**16))
    return part.startswith(name) and len(part) >= length


def exif(path: Path) -> bytes | None:
    """What EXIF the file holds, as it is, or `None`."""
    found = (part for marker, part in accompanying(path) if marker == 0xE1)
    return next((part[len(EXIF) :] for part in found if part.startswith(EXIF)), None)


def accompanying(path: Path) -> Iterator[tuple[int, bytes]]:
    """Markers and contents of comments and of application segments, in their order."""
    with open(path, "rb") as file:
        content = file.read()
    for marker, start, end in segments(content):
        if marker == COMMENT or marker in APPS:
            yield marker, content[start + 4 : end]


def insert(path: Path, added: Iterable[tuple[int, bytes]], target: Path) -> None:
    """Copies a JPEG file, with segments of these markers and contents added before its tables."""
    with open(path, "rb") as file:
        content = file.read()
    ends = [end for marker, _, end in segments(content) if marker in APPS]
    place = max(ends, default=len(SIGNATURE))
    with open(target, "wb") as copy:
        copy.write(content[:place])
        for marker, part in added:
            copy.write(bytes((0xFF, marker)) + (len(part) + 2).to_bytes(2, "big") + part)
        copy.write(content[place:])
