"""Asks a model that was loaded, on tiny pictures, whether it is what it is said to be."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms.inference.details import Details
from keras_ms.networks.interface import ALIGNMENT
from keras_ms.networks.reach import AT_ONCE, LOUD, NAN, WIDTHS

BEYOND = 32  # pixels further than it is said to look are watched

Run = Callable[[np.ndarray], np.ndarray]


def check(function: Any, told: Details, spatial_dims: int, channels: int) -> None:
    """Checks how much a model enlarges, how far it looks, and that it returns what it should.

    It runs on a tiny picture, and on thin ones a little longer than it is said to look. In these
    single rows are replaced, by NaNs or large numbers, and it shall not change further off: all
    rows within the strides, or, if the pictures are not small, the first and the last.

    Args:
        function: Takes pictures, and the noise level if `told` says so.
        told: What it is said to be.
        spatial_dims: Number of spatial axes of a picture.
        channels: Channels of a picture.

    Raises:
        ValueError: If it does otherwise.
    """

    def run(pictures: np.ndarray) -> np.ndarray:
        level = [np.full((len(pictures), 1), 0.5, "float32")] if told.conditional else []
        # The processor: a GPU's convolutions may carry rounding errors, or NaNs, to far pixels.
        with tf.device("CPU:0"):
            return np.asarray(function(tf.constant(pictures), *map(tf.constant, level)))

    width = _width(run, told, spatial_dims, channels)
    if told.receptive_field is None:
        return
    for axis in range(1, spatial_dims + 1):
        _check_reach(run, told, axis, [width] * spatial_dims, channels)


def _width(run: Run, told: Details, spatial_dims: int, channels: int) -> int:
    """The smallest side that the strides of a model let it take, if it returns what it should."""
    scale = told.scale
    for width in WIDTHS:
        sides = (width,) * spatial_dims
        try:
            made = run(_picture(sides, channels))
        except (ValueError, tf.errors.OpError) as error:
            reason = f"{error} ".splitlines()[0][:100]
            continue
        reason = f"{made.shape[1:-1]} came back"
        if made.shape[1:-1] == tuple(scale * side for side in sides):
            if not np.all(np.isfinite(made)):
                raise ValueError("it returns values that are not finite of a picture that is sound")
            _check_classes(told, made.shape[-1])
            return width
    raise ValueError(f"it should enlarge pictures {scale} times, but of {sides} pixels {reason}")


def _check_classes(told: Details, outputs: int) -> None:
    if told.classes is not None and len(told.classes) != outputs:
        raise ValueError(
            f"it is said to tell {len(told.classes)} classes apart, but has {outputs} outputs"
        )


def _check_reach(run: Run, told: Details, axis: int, sides: list[int], channels: int) -> None:
    claimed = told.receptive_field or 0
    margin = -(-(claimed + BEYOND) // ALIGNMENT) * ALIGNMENT
    sides[axis - 1] = 2 * margin + ALIGNMENT
    picture = _picture(tuple(sides), channels)
    ends = (0, ALIGNMENT - 1)
    few = 2 * ALIGNMENT * math.prod(sides) > AT_ONCE
    probes = [(margin + row, NAN) for row in (ends if few else range(ALIGNMENT))]
    probes += [(margin + row, LOUD) for row in ends]
    pictures = np.repeat(picture, 1 + len(probes), axis=0)
    for one, (row, by) in zip(pictures[1:], probes, strict=True):
        np.moveaxis(one, axis - 1, 0)[row] *= by
    made = run(pictures)
    # Rounding differs by 1e-6 from one place to another in deep networks.
    with np.errstate(invalid="ignore"):
        same = np.abs(made[1:] - made[:1]) <= 1e-4 * np.max(np.abs(made[0]))  # not NaN
    others = tuple(other for other in range(1, same.ndim) if other != axis)
    changed = ~np.all(same, axis=others)
    for where, (row, _) in zip(changed, probes, strict=True):
        seen = int(np.max(np.abs(np.flatnonzero(where) // told.scale - row), initial=0))
        if seen > claimed:
            raise ValueError(f"it is said to look {claimed} pixels far, but looks {seen} or more")


def _picture(sides: tuple[int, ...], channels: int) -> np.ndarray:
    return np.random.default_rng(0).random((1, *sides, channels), np.float32)
