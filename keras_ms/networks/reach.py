"""How far a network looks, found by asking it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms.networks.interface import ALIGNMENT, Interface, call, functional, interface
from keras_ms.networks.single_precision import in_float32

FARTHEST = 512  # pixels; who looks as far is said to look without bound
AT_ONCE = 2**18  # pixels in one call
WIDTHS = (4, 8, 16, ALIGNMENT)  # of the images, across the axis looked along; small is cheap
NAN, LOUD = np.nan, 100.0  # what pixels are multiplied by


def receptive_field(model: Any) -> int | None:
    """Finds how far from a pixel the pixels lie that its output depends on.

    One row of pixels of a random image at a time is replaced, by NaNs or large numbers, and what
    changes in the output has seen it. NaNs pass through convolutions whatever their weights, so
    the result is that of the architecture, also where far pixels matter little. With strides some
    pixels look further than others: the farthest counts.

    Args:
        model: A functional or Sequential `keras.Model` from images of any size, with one to three
            spatial axes, to outputs of the same size or a whole multiple of it. It may be told
            the noise level; see `keras_ms.networks.ResNet`. Strides of up to 32 pixels are seen.

    Returns:
        The radius in pixels of the input: a 3x3 convolution looks 1 px far. `None` if it is
        512 or more, as where normalisation couples all pixels.

    Raises:
        ValueError: If `model` takes or returns anything else.

    Example:
        >>> keras_ms.inference.receptive_field(keras_ms.networks.ESPCN(scale=2))
        4
    """
    # In float32: the kernels of half precision may look further than they are.
    model = in_float32(functional(model))
    kind = interface(model)
    width = next(width for width in WIDTHS if width == ALIGNMENT or _takes(model, kind, width))
    radius = 0
    for axis in range(1, kind.spatial_dims + 1):
        sides = [width] * kind.spatial_dims
        along = _along(model, kind, axis, sides)
        if along is None:
            return None
        radius = max(radius, along)
    return radius


def _takes(model: Any, kind: Interface, side: int) -> bool:
    """Whether the strides of a model let it take so small an image."""
    image = np.zeros((1, *(side,) * kind.spatial_dims, kind.channels), np.float32)
    try:
        sides = call(model, image, kind.conditional).shape[1:-1]
    except (ValueError, tf.errors.InvalidArgumentError):
        return False
    return all(found == kind.scale * side for found in sides)


def _along(model: Any, kind: Interface, axis: int, sides: list[int]) -> int | None:
    """The radius along one axis, in images of `sides` across it."""

    def seen(margin: int, rows: Sequence[int], probe: float) -> int:
        sides[axis - 1] = ALIGNMENT + 2 * margin
        return _seen(model, kind, axis, tuple(sides), rows, probe)

    first = {probe: seen(FARTHEST, [0], probe) for probe in (NAN, LOUD)}
    farthest = max(first.values())
    if farthest >= FARTHEST:
        return None
    # The other rows within the strides may be seen from further off, by less than a stride.
    margin = (farthest // ALIGNMENT + 2) * ALIGNMENT
    # NaNs pass everything but maxima; where they did not get as far, both look again.
    probes = (NAN,) if first[NAN] == farthest else (NAN, LOUD)
    return max(seen(margin, range(ALIGNMENT), probe) for probe in probes)


def _seen(
    model: Any,
    kind: Interface,
    axis: int,
    sides: tuple[int, ...],
    rows: Sequence[int],
    probe: float,
) -> int:
    """From how far rows are seen that lie in the middle of an image, at most to its ends."""
    margin = (sides[axis - 1] - ALIGNMENT) // 2
    image = np.random.default_rng(0).standard_normal((1, *sides, kind.channels), np.float32)
    before = np.asarray(call(model, image, kind.conditional))
    at_once = max(1, AT_ONCE // math.prod(sides))
    radius = 0
    for start in range(0, len(rows), at_once):
        places = [margin + row for row in rows[start : start + at_once]]
        changed = np.repeat(image, len(places), axis=0)
        for one, place in zip(changed, places, strict=True):
            np.moveaxis(one, axis - 1, 0)[place] *= probe
        after = np.asarray(call(model, changed, kind.conditional))
        for where, place in zip(_differs(before, after, axis, kind.scale), places, strict=True):
            radius = max(radius, *np.abs(np.flatnonzero(where) - place), 0)
    return min(int(radius), margin)


def _differs(before: np.ndarray, after: np.ndarray, axis: int, scale: int) -> np.ndarray:
    """Where along an axis outputs differ, `(probes, pixels of the input)`."""
    # Convolutions of one image and of many round differently, by 1e-6 in deep networks.
    differs = ~(np.abs(after - before) <= 1e-4 * np.max(np.abs(before)))  # true for NaN
    others = tuple(a for a in range(1, differs.ndim) if a != axis)
    pixels = np.any(differs, axis=others)
    return np.any(pixels.reshape(len(pixels), -1, scale), axis=-1)
