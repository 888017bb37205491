"""Restores pictures of any size within bounded memory, in tiles that leave no seam."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from keras_ms.inference.receptive_field import ALIGNMENT

Restore = Callable[[np.ndarray], np.ndarray]
UNBOUNDED_OVERLAP = 64  # pixels, where the network couples all pixels and no overlap is enough


def restore(
    picture: np.ndarray, model: Restore, scale: int, reach: int | None, max_pixels: int
) -> np.ndarray:
    """Restores a picture whole, or in overlapping tiles if it has more than `max_pixels`.

    Every tile is cut with a margin as wide as the network looks, at multiples of its strides, so
    what is kept of it equals the picture restored whole.

    Args:
        picture: `(height, width, channels)`.
        model: Restores `(1, height, width, channels)`.
        scale: How many times larger the result is.
        reach: How far the network looks, in pixels; `None` if without bound.
        max_pixels: Most pixels to restore at once, at least `least_pixels(reach)`.

    Returns:
        The restored picture.
    """
    height, width = picture.shape[:2]
    if height * width <= max_pixels:
        return np.asarray(model(picture[np.newaxis]))[0]
    overlap = _overlap(reach)
    side = int(math.sqrt(max_pixels)) - 2 * overlap
    side -= side % ALIGNMENT
    restored = np.empty((height * scale, width * scale, picture.shape[2]), picture.dtype)
    for rows, outer_rows in _spans(height, side, overlap):
        for columns, outer_columns in _spans(width, side, overlap):
            tile = np.asarray(model(picture[np.newaxis, outer_rows, outer_columns]))[0]
            inner = tile[_within(rows, outer_rows, scale), _within(columns, outer_columns, scale)]
            restored[_times(rows, scale), _times(columns, scale)] = inner
    return restored


def least_pixels(reach: int | None) -> int:
    """Pixels of the smallest tile, with its margins, of a network that looks so far."""
    return (ALIGNMENT + 2 * _overlap(reach)) ** 2


def _overlap(reach: int | None) -> int:
    pixels = UNBOUNDED_OVERLAP if reach is None else reach
    return -(-pixels // ALIGNMENT) * ALIGNMENT


def _spans(length: int, side: int, overlap: int) -> Iterator[tuple[slice, slice]]:
    for begin in range(0, length, side):
        end = min(begin + side, length)
        yield slice(begin, end), slice(max(0, begin - overlap), min(length, end + overlap))


def _within(span: slice, outer: slice, scale: int) -> slice:
    return slice((span.start - outer.start) * scale, (span.stop - outer.start) * scale)


def _times(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)
