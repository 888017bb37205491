"""Whole pairs of pictures, or their middles, in batches to validate on."""

from __future__ import annotations

import collections
import functools
import math
import pathlib
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_ms.data.prompt_end import ending_promptly
from keras_ms.data.python_calls import called
from keras_ms.data.skipped import Skipped
from keras_ms.data.sources.decoding import AT_ONCE_BYTES, decoded_bytes
from keras_ms.data.sources.picture_file import lies
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.validation import positive_integer, positive_integers, shown

Pair = tuple[np.ndarray, np.ndarray]
Files = tuple[pathlib.Path, pathlib.Path]


def batches(
    items: Sequence[Files],
    read: Callable[[Files], Pair],
    scaled: Callable[[Pair], Pair],
    skipped: Skipped,
    batch_size: int,
    image_size: Any,
    multiple_of: int,
    cache_bytes: int,
) -> tf.data.Dataset:
    """See `keras_ms.data.FolderPairs.batches`.

    Args:
        items: Files of the pairs.
        read: Reads a pair, as stored; it runs in threads.
        scaled: Makes of it what batches hold.
        skipped: Counts those that cannot be read.
        batch_size: Most pairs in a batch.
        image_size: `None`, or sides to cut to.
        multiple_of: What sides are to be multiples of.
        cache_bytes: Bytes of pairs as stored to keep.
    """
    size = positive_integer(batch_size, "batch_size")
    multiple = positive_integer(multiple_of, "multiple_of")
    most = _sides(image_size)

    def cut(item: Files) -> Pair:
        return middle(*read(item), most, multiple)

    kept = _alike(list(_kept(items, cut, skipped, cache_bytes)), skipped)
    skipped.finish()
    return _Groups(_grouped(kept, size), scaled).as_dataset()


class _Kept(NamedTuple):
    """How to come by a pair again, the name of its input, and its shapes."""

    again: Callable[[], Pair]
    name: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def ratio(self) -> Fraction:
        """The sides of the target by those of the input."""
        x, y = self.shapes
        return Fraction(y[0], x[0])


class _Groups:
    """Batches of pairs, by number.

    Args:
        groups: For each batch, how to come by its pairs.
        scaled: Makes of a pair what batches hold.
    """

    def __init__(self, groups: list[list[_Kept]], scaled: Callable[[Pair], Pair]) -> None:
        self._groups, self._scaled = groups, scaled

    def batch(self, number: int) -> Pair:
        """A batch."""
        pairs = [self._scaled(kept.again()) for kept in self._groups[int(number)]]
        x, y = zip(*pairs, strict=True)
        return np.stack(x), np.stack(y)

    def as_dataset(self) -> tf.data.Dataset:
        """All of them in order. No generator of TensorFlow: those are ended by Python."""
        specs = [_spec(part) for part in self._scaled(self._groups[0][0].again())]

        def batch(number: Any) -> Any:
            made = called(self, _Groups.batch, [number], [spec.dtype for spec in specs])
            ensured = zip(made, specs, strict=True)
            return tuple(tf.ensure_shape(part, spec.shape) for part, spec in ensured)

        return ending_promptly(tf.data.Dataset.range(len(self._groups)).map(batch).prefetch(1))


def _spec(array: np.ndarray) -> tf.TensorSpec:
    """Of a batch of arrays of any sides."""
    return tf.TensorSpec((None, None, None, *array.shape[2:]), tf.as_dtype(array.dtype))


def in_order(
    items: Sequence[Files], read: Callable[[Files], Pair]
) -> Iterator[tuple[Files, Pair | ValueError]]:
    """Pairs in their order, read ahead by threads, or why one cannot be read.

    Args:
        items: Files of the pairs.
        read: Reads a pair; it runs in threads.
    """
    return read_ahead(items, read, lambda files: decoded_bytes(*files), AT_ONCE_BYTES)


def _kept(
    items: Sequence[Files], read: Callable[[Files], Pair], skipped: Skipped, cache_bytes: int
) -> Iterator[_Kept]:
    """All pairs that can be read."""
    left = cache_bytes
    for item, pair in in_order(items, read):
        if isinstance(pair, ValueError):
            skipped.add(str(item[0]), str(pair))
            continue
        left -= sum(part.nbytes for part in pair)
        # A copy, since a view would keep the whole picture.
        again: Callable[[], Pair] = functools.partial(read, item)
        if left >= 0:
            again = functools.partial(_given, (pair[0].copy(), pair[1].copy()))
        yield _Kept(again, str(item[0]), (pair[0].shape, pair[1].shape))


def _alike(kept: list[_Kept], skipped: Skipped) -> list[_Kept]:
    """Those pairs whose targets are as large, beside their inputs, as those of most."""
    counted = collections.Counter(one.ratio for one in kept)
    usual = max(counted, key=lambda ratio: (counted[ratio], ratio == 1), default=Fraction(1))
    for one in kept:
        if one.ratio == usual:
            skipped.admitted()
        else:
            x, y = one.shapes
            expected = tuple(int(side * usual) for side in x[:2])
            skipped.add(one.name, f"its target has the sides {y[:2]}, expected is {expected}")
    return [one for one in kept if one.ratio == usual]


def _given(pair: Pair) -> Pair:
    return pair


def _grouped(kept: list[_Kept], size: int) -> list[list[_Kept]]:
    """Batches of consecutive pairs; one ends where the size of pairs changes."""
    groups: list[list[_Kept]] = []
    for one in kept:
        if not groups or len(groups[-1]) == size or groups[-1][0].shapes != one.shapes:
            groups.append([])
        groups[-1].append(one)
    return groups


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


def _sides(image_size: Any) -> tuple[int, int] | None:
    if image_size is None:
        return None
    given = image_size if hasattr(image_size, "__len__") else (image_size, image_size)
    sides = positive_integers(given)
    if len(sides) != 2:
        raise ValueError(
            "`image_size` is one number of pixels, or a height and a width. "
            f"Received: image_size={shown(image_size)}."
        )
    return sides[0], sides[1]


def check_sizes(files: Files, x: tuple[int, ...], y: tuple[int, ...]) -> None:
    """Refuses a pair whose sides are not multiples of each other by one factor.

    Raises:
        ValueError: Naming its files.
    """
    large, small = max(x[:2], y[:2]), min(x[:2], y[:2])
    factor = large[0] // small[0]
    if large != (small[0] * factor, small[1] * factor):
        turned = [path for path in files if lies(path)] if x[0] * y[0] == x[1] * y[1] else []
        if len(turned) == 1:
            raise ValueError(
                "Input and target do not lie alike: one of them is turned upright as its EXIF "
                f"orientation says. Received: {files[0]} of {x[0]}x{x[1]} and {files[1]} of "
                f"{y[0]}x{y[1]}, of which {turned[0].name} is turned. Turn the pixels of the other "
                "alike, or take the orientation out of the file if the pixels lie alike as they "
                "are stored."
            )
        raise ValueError(
            "Input and target have sizes that do not fit: one must be the other's times a whole "
            f"number. Received: {files[0]} of {x[0]}x{x[1]} and {files[1]} of {y[0]}x{y[1]}."
        )
