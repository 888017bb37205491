"""The quality of one picture of any size, strip by strip, so that memory is bounded."""

from __future__ import annotations

import math

import numpy as np

from keras_ms.data.sources.picture_file import full
from keras_ms.metrics import WINDOW, ssim

from .quality import Quality

AT_ONCE = 2**19  # pixels of a strip


def measure(clean: np.ndarray, picture: np.ndarray, times: int = 1) -> Quality:
    """Quality of a picture against the clean one; equals `quality.measure` but for rounding.

    Args:
        clean: `(height, width, bands)`, uint8, uint16 or floats in [0, 1].
        picture: Likewise, but of sides so many times smaller.
        times: How often its pixels are repeated, to be as large.
    """
    if clean.shape[1] > clean.shape[0]:  # strips lie across the longer side
        clean, picture = clean.swapaxes(0, 1), picture.swapaxes(0, 1)
    length, width, bands = clean.shape
    more = min(WINDOW, width) - 1
    step, places = max(1, AT_ONCE // width), length - more
    similar, squares, off = 0.0, 0.0, np.zeros(bands)
    for start in range(0, places, step):
        stop = min(start + step, places)
        rows = slice(start, stop + more)
        one, other = _floats(clean[rows]), _floats(_enlarged(picture, rows, times))
        similar += (stop - start) * float(ssim(one[np.newaxis], other[np.newaxis], (0.0, 1.0))[0])
        # Strips overlap by the window; each row counts once.
        difference = (other - one)[: None if stop == places else stop - start]
        squares += float(np.sum(np.square(difference), dtype=np.float64))
        off += np.sum(difference, axis=(0, 1), dtype=np.float64)
    error = squares / clean.size
    psnr = -10.0 * math.log10(error) if error else math.inf
    colour = 255.0 * float(np.abs(off).max()) / (length * width)
    return Quality(psnr, similar / places, colour)


def _enlarged(picture: np.ndarray, rows: slice, times: int) -> np.ndarray:
    """Rows of a picture whose pixels are repeated."""
    first = rows.start // times
    some = picture[first : -(-rows.stop // times)].repeat(times, 0).repeat(times, 1)
    return some[rows.start - first * times :][: rows.stop - rows.start]


def _floats(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / np.float32(full(pixels.dtype))
