"""Masks of some pictures, to be seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

SHOWN = 3  # pictures whose masks are kept


def shown(pairs: tf.data.Dataset, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Some pairs, spread evenly.

    Args:
        pairs: Batches of them.
        count: How many there are.
    """
    wanted = {int(place) for place in np.linspace(0, count - 1, SHOWN + 2)[1:-1]}
    singles = enumerate(pairs.unbatch().as_numpy_iterator())
    return [pair for place, pair in singles if place in wanted]


def made(model: Any, pictures: list[np.ndarray]) -> dict[str, np.ndarray]:
    """The class maps `(height, width)`, uint8, that a model makes of pictures, by their number."""
    return {
        str(number): np.argmax(model(picture[np.newaxis], training=False)[0], -1).astype(np.uint8)
        for number, picture in enumerate(pictures)
    }
