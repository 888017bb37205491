"""TIFF files of the compression LZW, which tifffile alone does not know, by Pillow's libtiff.

Pillow decodes bytes only, so each compressed segment is shown to it as a row of grey bytes;
tifffile then makes pixels of the bytes.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from PIL import Image

LZW = 5
SHORT, LONG = 3, 4


def array(file: Any) -> np.ndarray:
    """The pixels of the first page of an open `tifffile.TiffFile`, in the page's own shape.

    Raises:
        ValueError: If segments are damaged or predicted in a way that tifffile lacks.
    """
    page = file.pages[0]
    page.compression = 1  # of what is given to `decode`
    found = np.zeros(page.shaped, page.dtype)
    handle = file.filehandle
    segments = zip(page.dataoffsets, page.databytecounts, strict=True)
    for index, (offset, length) in enumerate(segments):
        handle.seek(offset)
        unpacked = _unpacked(handle.read(length), _bytes_of(page, index))
        segment, place, shape = page.decode(unpacked, index)
        if segment is None:
            continue
        plane, *starts = place[:-1]
        # Tiles may reach beyond the picture.
        room = zip(found.shape[1:-1], starts, shape[:-1], strict=True)
        sides = [min(whole - start, side) for whole, start, side in room]
        window = [slice(start, start + side) for start, side in zip(starts, sides, strict=True)]
        found[(plane, *window)] = segment[tuple(slice(side) for side in sides)]
    return found.reshape(page.shape)


def _bytes_of(page: Any, index: int) -> int:
    """Number of bytes in a strip or a tile."""
    samples = page.samplesperpixel if page.planarconfig == 1 else 1
    if page.is_tiled:
        pixels = page.tilelength * page.tilewidth
    else:
        rows = min(page.rowsperstrip, page.imagelength)
        strips = -(-page.imagelength // rows)
        pixels = min(rows, page.imagelength - index % strips * rows) * page.imagewidth
    return pixels * samples * page.bitspersample // 8


def _unpacked(packed: bytes, count: int) -> bytes:
    tags = [
        (256, LONG, count),  # width
        (257, LONG, 1),  # height
        (258, SHORT, 8),  # bits
        (259, SHORT, LZW),
        (262, SHORT, 1),  # black is zero
        (273, LONG, 8),  # where the only strip begins
        (277, SHORT, 1),  # bands
        (278, LONG, 1),  # rows of the strip
        (279, LONG, len(packed)),
    ]
    padded = packed + b"\0" * (len(packed) % 2)
    entries = b"".join(struct.pack("<HHII", code, kind, 1, value) for code, kind, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    content = b"II*\0" + struct.pack("<I", 8 + len(padded)) + padded + directory
    with Image.open(io.BytesIO(content)) as image:
        return image.tobytes()
