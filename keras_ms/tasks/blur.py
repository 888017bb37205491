"""Gaussian blur as a matrix per axis: exact at the borders, for any sigma and any side."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np

Tensor = Any
BORDERS = {"reflect": "reflect", "circular": "wrap"}  # our names: SciPy's modes


def gaussian_blur(images: Tensor, sigma: float, border: str, every: int = 1) -> Tensor:
    """Blurs images as `scipy.ndimage.gaussian_filter` does, differentiably and batched.

    Args:
        images: Floating tensor `(batch, *spatial, channels)` of known sides.
        sigma: Standard deviation in pixels, at least 0.
        border: `"reflect"` (d c b a | a b c d | d c b a) or `"circular"`.
        every: Which pixels of the result are wanted, along every axis: the first of so many.

    Returns:
        Tensor of the same type, and of the same shape if `every` is 1.
    """
    axes = "hwd"[: len(images.shape) - 2]
    if sigma == 0.0:
        wanted = (slice(None), *(slice(None, None, every),) * len(axes))
        return images if every == 1 else images[wanted]
    for axis, side in zip(axes, images.shape[1:-1], strict=True):
        matrix = keras.ops.cast(_matrix(side, sigma, border)[::every], images.dtype)
        images = keras.ops.einsum(f"z{axis},b{axes}c->b{axes.replace(axis, 'z')}c", matrix, images)
    return images


@functools.lru_cache(maxsize=64)
def _matrix(side: int, sigma: float, border: str) -> np.ndarray:
    import scipy.ndimage  # imported late: it would slow down `import keras_ms`

    # The filter is linear, so its matrix is what it makes of the unit vectors.
    unit = np.eye(side)
    return scipy.ndimage.gaussian_filter1d(unit, sigma, axis=0, mode=BORDERS[border])
