"""What the values of one tensor are in the examples that were read, without looking twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from keras_ms.data.slabs import slabs

MOST_NUMBERS = 4096
"""Different whole numbers that are kept apart."""
_RANGE = 2**16
_SOME = 256
_MARKS = 2
"""Different negative numbers that may stand for "nothing here"."""


class Columns(NamedTuple):
    """The same of each place along the last axis.

    Attributes:
        low: Smallest values, `(places,)`.
        high: Greatest values.
        whole: Whether there are whole numbers alone.
        marks: The negative numbers, of all places; `None` if more than a few or not whole.
    """

    low: np.ndarray
    high: np.ndarray
    whole: np.ndarray
    marks: frozenset[float] | None

    def joined(self, other: Columns) -> Columns | None:
        """Those of both; `None` if they have not as many places."""
        if self.low.shape != other.low.shape:
            return None
        few = None if self.marks is None or other.marks is None else self.marks | other.marks
        return Columns(
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.whole & other.whole,
            few if few is None or len(few) <= _MARKS else None,
        )


class Values(NamedTuple):
    """Values of a tensor in one example or in many.

    Attributes:
        low: The smallest; infinite if there is none.
        high: The greatest; minus infinite if there is none.
        low_in: Name of an example that has the smallest.
        high_in: Name of one that has the greatest.
        fraction_in: Name of one with a number that is not whole; empty if all are whole.
        numbers: Whole numbers, each with the name of the first example that has it; `None` if they
            are too many, or were not asked for.
        most: Most different whole numbers in one example.
        columns: Of a small tensor, the same by place along its last axis.
    """

    low: float = np.inf
    high: float = -np.inf
    low_in: str = ""
    high_in: str = ""
    fraction_in: str = ""
    numbers: Mapping[int, str] | None = {}
    most: int = 0
    columns: Columns | None = None

    @property
    def whole(self) -> bool:
        """Whether there are whole numbers alone."""
        return not self.fraction_in

    @property
    def zero_and_one(self) -> bool:
        """Whether there is nothing but 0 and 1."""
        return self.whole and self.low >= 0 and self.high <= 1

    def joined(self, other: Values) -> Values:
        """What is known of the examples of both."""
        if other.low > other.high:
            return self
        if self.low > self.high:
            return other
        lower, higher = other.low < self.low, other.high > self.high
        return Values(
            min(self.low, other.low),
            max(self.high, other.high),
            other.low_in if lower else self.low_in,
            other.high_in if higher else self.high_in,
            self.fraction_in or other.fraction_in,
            _both(self.numbers, other.numbers),
            max(self.most, other.most),
            self.columns.joined(other.columns) if self.columns and other.columns else None,
        )


def values_of(array: np.ndarray, name: str, numbers: bool = True, columns: bool = True) -> Values:
    """Looks at a tensor of one example.

    Args:
        array: The tensor; nothing is known of one without numbers.
        name: Name of the example.
        numbers: Whether to count whole numbers.
        columns: Whether to look at the places along the last axis.

    Example:
        >>> seen = values_of(np.array([[0, 7], [2, 2]]), "17")
        >>> seen.high, seen.high_in, sorted(seen.numbers), seen.whole
        (7.0, '17', [0, 2, 7], True)
    """
    array = _plain(array)
    if not array.size:
        return Values()
    low, high = float(np.min(array)), float(np.max(array))
    whole = array.dtype.kind != "f" or _whole(array)
    known: dict[int, str] | None = None
    most = 0
    if numbers and whole:
        found = _different(array, low, high)
        most = len(found)
        known = dict.fromkeys(found.tolist(), name) if most <= MOST_NUMBERS else None
    of_columns = _columns(array) if columns and array.ndim else None
    return Values(low, high, name, name, "" if whole else name, known, most, of_columns)


def _plain(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return array if array.dtype.kind in "iuf" else array.astype(np.float32)  # bfloat16


def _whole(array: np.ndarray) -> bool:
    flat = array.reshape(-1)
    some = flat[:: max(1, flat.size // _SOME)]  # most arrays that are not show it at once
    parts: Iterable[np.ndarray] = (some, *slabs(flat, 1)) if np.any(some) else slabs(flat, 1)
    return all(np.array_equal(part, np.rint(part)) for part in parts)


def _different(array: np.ndarray, low: float, high: float) -> np.ndarray:
    if high - low >= _RANGE:
        flat = array.reshape(-1)
        return np.unique(flat[:: max(1, flat.size // _RANGE)]).astype(np.int64)
    found = np.zeros(int(high - low) + 1, bool)
    for part in slabs(array.reshape(-1), 1):
        found |= np.bincount(part.astype(np.int64) - int(low), minlength=len(found)) > 0
    return np.flatnonzero(found) + int(low)


def _columns(array: np.ndarray) -> Columns:
    rows = array.reshape(-1, array.shape[-1])
    below = np.unique(rows[rows < 0])
    few = len(below) <= _MARKS and np.array_equal(below, np.rint(below))
    marks = frozenset(below.tolist()) if few else None
    whole = np.all(rows == np.rint(rows), axis=0)
    return Columns(rows.min(axis=0), rows.max(axis=0), whole, marks)


def _both(
    one: Mapping[int, str] | None, other: Mapping[int, str] | None
) -> Mapping[int, str] | None:
    if one is None or other is None:
        return None
    if other.keys() <= one.keys():
        return one
    both = {**other, **one}
    return both if len(both) <= MOST_NUMBERS else None
