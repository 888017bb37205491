"""Pixels of no opacity: what colour they are said to have counts for nothing."""

from __future__ import annotations

import numpy as np


def filled(pixels: np.ndarray, alpha: np.ndarray | None) -> np.ndarray:
    """Gives pixels of no opacity the colour of the nearest pixel that can be seen.

    Args:
        pixels: `(height, width, bands)`.
        alpha: Opacity `(height, width)`, or `None` where all is opaque.

    Returns:
        Pixels of the same shape and type.

    Raises:
        ValueError: If no pixel can be seen.
    """
    if alpha is None:
        return pixels
    hidden = np.asarray(alpha) <= 0
    if not hidden.any():
        return pixels
    if hidden.all():
        raise ValueError("all its pixels are transparent")
    import scipy.ndimage  # imported late: it would slow down `import keras_ms`

    rows, columns = scipy.ndimage.distance_transform_edt(
        hidden, return_distances=False, return_indices=True
    )
    result = np.array(pixels)
    result[hidden] = pixels[rows[hidden], columns[hidden]]
    return result
