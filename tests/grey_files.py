"""Writes grey files as Pillow and tifffile do not: of few bits, of an odd greatest value."""

import itertools
import struct
import zlib

import numpy as np

from keras_ms.data.sources import png_chunks


def _packed(values, bits):
    """Rows of values, several in a byte, the first in its highest bits."""
    digits = np.unpackbits(np.asarray(values, np.uint8)[..., np.newaxis], axis=-1)[..., -bits:]
    return np.packbits(digits.reshape(len(values), -1), axis=-1)


def png(path, values, bits):
    """A grey PNG file of 1, 2, 4 or 8 bits."""
    height, width = values.shape
    lines = b"".join(b"\0" + line.tobytes() for line in _packed(values, bits))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    ]
    path.write_bytes(png_chunks.SIGNATURE + b"".join(itertools.starmap(png_chunks.chunk, parts)))


def tiff(path, values, bits, white_at_zero=False):
    """A grey TIFF file of 1, 2, 4 or 8 bits."""
    height, width = values.shape
    pixels = _packed(values, bits).tobytes()
    pixels += b"\0" * (len(pixels) % 2)
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1 - white_at_zero}
    tags |= {273: 8, 277: 1, 278: height, 279: len(pixels)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    path.write_bytes(head + pixels + struct.pack("<H", len(tags)) + entries + bytes(4))


def pgm(path, values, greatest, plain=False):
    """A PGM file whose white is `greatest`."""
    head = f"P{2 if plain else 5}\n# classes\n{values.shape[1]} {values.shape[0]}\n{greatest}\n"
    wide = values.astype(np.uint8 if greatest < 256 else ">u2")
    body = " ".join(map(str, values.ravel())).encode() if plain else wide.tobytes()
    path.write_bytes(head.encode() + body)
