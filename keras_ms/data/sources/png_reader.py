"""PNG files of 16 bits, by TensorFlow's libpng: Pillow cuts all but grey ones to 8."""

from __future__ import annotations

import os

import numpy as np
import tensorflow as tf

from keras_ms.data.sources import png_chunks
from keras_ms.data.sources.stored import WHITE, Header, Stored

Path = str | os.PathLike[str]


def header(path: Path) -> Header | None:
    """Size and bands of a file of 16 bits; `None` for any other, which Pillow reads."""
    found = png_chunks.header(path)
    if found.bits != 16:
        return None
    return Header(found.height, found.width, found.bands, np.dtype(np.uint16))


def decoded(path: Path, max_megapixels: float, orientation: int) -> Stored:
    """The picture in a file that `header` knows.

    Raises:
        ValueError: If it is too large or damaged.
    """
    found = png_chunks.header(path)
    Header(found.height, found.width, found.bands, np.dtype(np.uint16)).check(max_megapixels)
    content = png_chunks.bare(path, (b"IHDR", b"PLTE", b"IDAT", b"IEND"))
    with tf.device("CPU:0"):
        try:
            pixels = tf.io.decode_png(content, dtype=tf.uint16).numpy()
        except tf.errors.OpError as error:
            raise ValueError(f"it cannot be decoded: {error.message[:80]}") from error
    alpha = None
    if found.colour_type & png_chunks.ALPHA:
        pixels, alpha = pixels[..., :-1], pixels[..., -1]
    elif (key := png_chunks.content_of(path, b"tRNS")) is not None:
        transparent = np.frombuffer(key[: 2 * found.bands], ">u2")
        alpha = np.where(np.all(pixels == transparent, axis=-1), 0, WHITE).astype(np.uint16)
    return Stored(np.ascontiguousarray(pixels), alpha, orientation, "PNG")
