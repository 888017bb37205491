"""Files of more bits than Pillow gives, which it would cut without a word."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image

from keras_ms.data.sources.stored import RefusedError

# What Pillow decodes to 8 bits although there are 16: the names of its raw modes and decoders.
CUT = re.compile(r"^(L|LA|La|RGB|RGBA|RGBa|RGBX|CMYK);16[BLN]?$|^SGI16$")


def check_depth(image: Image.Image) -> None:
    """Refuses what Pillow would cut to 8 bits without a word."""
    words = [word for tile in getattr(image, "tile", ()) for word in _words(tile)]
    deep = any(CUT.match(word) for word in words) or _bits_of_jpeg_2000(image) > 8
    if deep and image.mode in ("1", "L", "LA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"):
        raise RefusedError(
            f"{image.format} of 16 bits and {len(image.getbands())} bands is not supported, since "
            "half the bits would be lost; use PNG or TIFF"
        )


def _words(tile: Any) -> Iterator[str]:
    options = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
    yield from (str(word) for word in (tile[0], *options))


def _bits_of_jpeg_2000(image: Image.Image) -> int:
    file = getattr(image, "fp", None)
    if image.format != "JPEG2000" or file is None:
        return 0
    place = file.tell()
    file.seek(0)
    content = file.read(65536)
    file.seek(place)
    size = content.find(b"\xff\x4f\xff\x51")  # start of the codestream, then its sizes
    if size < 0 or len(content) < size + 43:
        return 0
    (depth,) = struct.unpack_from("B", content, size + 42)
    return (depth & 0x7F) + 1
