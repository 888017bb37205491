"""Restores images of any size within bounded memory, in tiles that leave no seam."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np

from keras_ms.networks.interface import ALIGNMENT

Restore = Callable[[np.ndarray], np.ndarray]
UNBOUNDED_OVERLAP = 64  # pixels, where the network couples all pixels and no overlap is enough


def in_tiles(
    image: np.ndarray, model: Restore, scale: int, receptive_field: int | None, tile: int
) -> np.ndarray:
    """Restores an image whole, or in overlapping tiles if it has more pixels than a tile.

    Every tile is cut with a margin as wide as the network looks, at multiples of its strides, so
    what is kept of it equals the image restored whole.

    Args:
        image: `(*sides, channels)`.
        model: Restores `(1, *sides, channels)`.
        scale: How many times larger the result is.
        receptive_field: How far the network looks, in pixels; `None` if without bound.
        tile: Greatest side of what is restored at once, margins included, at least
            `least_tile(receptive_field)`.

    Returns:
        The restored image.
    """
    *sides, _ = image.shape
    if fits(sides, tile):
        return np.asarray(model(image[np.newaxis]))[0]
    overlap = _overlap(receptive_field)
    inner = (tile - 2 * overlap) // ALIGNMENT * ALIGNMENT
    restored: np.ndarray | None = None
    for spans in itertools.product(*(_spans(side, inner, overlap) for side in sides)):
        outer = np.ascontiguousarray(image[tuple(outer for _, outer in spans)])
        part = np.asarray(model(outer[np.newaxis]))[0]
        if restored is None:
            restored = np.empty((*(scale * side for side in sides), part.shape[-1]), part.dtype)
        within = tuple(_within(span, outer, scale) for span, outer in spans)
        restored[tuple(_times(span, scale) for span, _ in spans)] = part[within]
    assert restored is not None  # an image that does not fit has pixels
    return restored


def fits(sides: list[int] | tuple[int, ...], tile: int) -> bool:
    """Whether an image is restored whole."""
    return math.prod(sides) <= tile ** len(sides)


def least_tile(receptive_field: int | None) -> int:
    """Side of the smallest tile, with its margins, of a network that looks so far."""
    return ALIGNMENT + 2 * _overlap(receptive_field)


def _overlap(receptive_field: int | None) -> int:
    pixels = UNBOUNDED_OVERLAP if receptive_field is None else receptive_field
    return -(-pixels // ALIGNMENT) * ALIGNMENT


def _spans(length: int, inner: int, overlap: int) -> Iterator[tuple[slice, slice]]:
    for begin in range(0, length, inner):
        end = min(begin + inner, length)
        yield slice(begin, end), slice(max(0, begin - overlap), min(length, end + overlap))


def _within(span: slice, outer: slice, scale: int) -> slice:
    return slice((span.start - outer.start) * scale, (span.stop - outer.start) * scale)


def _times(span: slice, scale: int) -> slice:
    return slice(span.start * scale, span.stop * scale)
