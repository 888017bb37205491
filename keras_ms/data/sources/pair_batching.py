"""Whole pairs of pictures, or their middles, in batches to validate on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms.validation import positive_integer, positive_integers

Pair = tuple[np.ndarray, np.ndarray]


def batches(
    pairs: Iterable[Pair],
    target: tf.TensorSpec,
    bands: int,
    batch_size: int,
    image_size: Any,
    multiple_of: int,
) -> tf.data.Dataset:
    """See `keras_ms.data.FolderPairs.batches`.

    Args:
        pairs: `(x, y)` of `(height, width, bands)`, and targets with or without bands.
        target: Spec of a target.
        bands: Of the inputs.
        batch_size: Most pairs in a batch.
        image_size: `None`, or sides to cut to.
        multiple_of: What sides are to be multiples of.
    """
    size = positive_integer(batch_size, "batch_size")
    multiple = positive_integer(multiple_of, "multiple_of")
    most = _sides(image_size)
    kind = tf.float32 if target.dtype.is_floating or len(target.shape) == 3 else target.dtype
    rest = target.shape[2:]
    signature = (
        tf.TensorSpec((None, None, None, bands), tf.float32),
        tf.TensorSpec((None, None, None, *rest), kind),
    )

    def generate() -> Iterator[Pair]:
        return _batched((middle(*pair, most, multiple) for pair in pairs), size)

    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)


def middle(x: np.ndarray, y: np.ndarray, most: tuple[int, int] | None, multiple: int) -> Pair:
    """The middle of a pair, of at most the size `most`, with sides that are multiples.

    Sides shorter than `multiple` stay as they are. Targets of another size are cut alike.
    """
    windows = [
        _window(have, want, side, multiple)
        for have, want, side in zip(x.shape[:2], most or x.shape[:2], y.shape[:2], strict=True)
    ]
    of_x, of_y = ([axis[part] for axis in windows] for part in (0, 1))
    return x[of_x[0], of_x[1]], y[of_y[0], of_y[1]]


def _window(have: int, want: int, of_target: int, multiple: int) -> tuple[slice, slice]:
    """Where an axis of input and target is cut. `have` and `of_target` are their whole sides."""
    unit = have // math.gcd(have, of_target)  # pixels of the input that are whole in the target
    multiple = multiple if want >= multiple else 1
    step = math.lcm(multiple, unit)
    size = min(have, want) // step * step or have
    start = (have - size) // 2 // unit * unit
    scale = of_target // math.gcd(have, of_target)
    return slice(start, start + size), slice(start // unit * scale, (start + size) // unit * scale)


def _batched(pairs: Iterator[Pair], size: int) -> Iterator[Pair]:
    """Batches of pairs; one ends where the size of pairs changes."""
    waiting: list[Pair] = []
    for pair in pairs:
        if waiting and (len(waiting) == size or waiting[0][0].shape != pair[0].shape):
            yield _stacked(waiting)
            waiting = []
        waiting.append(pair)
    if waiting:
        yield _stacked(waiting)


def _stacked(pairs: list[Pair]) -> Pair:
    x, y = zip(*pairs, strict=True)
    return np.stack(x), np.stack(y)


def _sides(image_size: Any) -> tuple[int, int] | None:
    if image_size is None:
        return None
    given = image_size if hasattr(image_size, "__len__") else (image_size, image_size)
    sides = positive_integers(given)
    if len(sides) != 2:
        raise ValueError(
            "`image_size` is one number of pixels, or a height and a width. "
            f"Received: image_size={image_size!r}."
        )
    return sides[0], sides[1]
