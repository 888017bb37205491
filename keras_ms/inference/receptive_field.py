"""How far a network looks, found by asking it."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

ALIGNMENT = 32  # pixels; a multiple of every stride up to 32, so of UNets of up to six meshes
CANDIDATES = (8, 16, 32, 64, 96)


def reach(pictures_model: keras.Model) -> int | None:
    """Finds how far from a pixel the pixels lie that its restoration depends on.

    All pixels further than some distance from a block are changed; if the restored block stays
    what it was, the network does not look further.

    Args:
        pictures_model: Model from pictures in [0, 1] to pictures.

    Returns:
        An upper bound of the distance in pixels, one of `CANDIDATES`; `None` if there is none,
        as where normalisation couples all pixels.
    """
    spec = pictures_model.input
    channels = (spec["image"] if isinstance(spec, dict) else spec).shape[-1]
    for distance in CANDIDATES:
        margin = -(-(distance + 1) // ALIGNMENT) * ALIGNMENT
        pictures = _two_pictures(margin, distance, channels)
        inputs = {"image": pictures, "noise_level": np.full((2, 1), 0.5, "float32")}
        restored = np.asarray(pictures_model(inputs if isinstance(spec, dict) else pictures))
        scale = restored.shape[1] // pictures.shape[1]
        block = slice(margin * scale, (margin + ALIGNMENT) * scale)
        first, second = restored[:, block, block]
        if np.max(np.abs(first - second)) < 1e-6:
            return distance
    return None


def _two_pictures(margin: int, distance: int, channels: int) -> Any:
    side = 2 * margin + ALIGNMENT
    pictures = np.random.default_rng(0).random((2, side, side, channels), np.float32)
    near = slice(margin - distance, margin + ALIGNMENT + distance)
    pictures[1, near, near] = pictures[0, near, near]
    return pictures
