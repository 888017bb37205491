"""Checks that many share, each once. They raise `ValueError` and say what was received."""

from __future__ import annotations

import math
import numbers
import operator
import os
import pathlib
import reprlib
from collections.abc import Collection
from typing import Any

import numpy as np


class _Short(reprlib.Repr):
    """Arrays by shape and type, and no more of anything than a line of a message holds."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 8
        self.maxstring = self.maxother = 200

    def repr_instance(self, x: Any, level: int) -> str:
        shape = getattr(x, "shape", None)
        if shape is None or not hasattr(x, "dtype") or str(shape) == "()":
            return super().repr_instance(x, level)
        if isinstance(x, np.ndarray) and x.size <= self.maxlist:
            return " ".join(super().repr_instance(x, level).split())
        return f"<{type(x).__name__} of shape {shape}, {getattr(x.dtype, 'name', x.dtype)}>"


def shown(value: Any) -> str:
    """A value as messages show what was received: short, whatever it is.

    Example:
        >>> shown([np.zeros((8, 8)), "a", 1]), shown("average")
        ("[<ndarray of shape (8, 8), float64>, 'a', 1]", "'average'")
    """
    return _Short().repr(value)


def no_examples(received: str) -> ValueError:
    """The error of data that hold nothing to train on.

    Args:
        received: What was handed over, as in "an empty ...".
    """
    return ValueError(
        f"There are no examples to train on. Received: data without one, an empty {received}. Pass "
        "at least one image or pair."
    )


def path_of(value: Any, argument: str) -> pathlib.Path:
    """The value as a path.

    Args:
        value: What was received.
        argument: What the argument is called.

    Raises:
        ValueError: If it is neither text nor a path.
    """
    if not isinstance(value, str | os.PathLike):
        raise ValueError(f"`{argument}` is the path of a file or folder. Received: {shown(value)}.")
    return pathlib.Path(value)


def is_number(value: Any) -> bool:
    """Whether a value is a real number that a float holds, neither a truth value nor text."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool | np.bool_):
        return False
    try:
        float(value)
    except OverflowError:  # 10**400 is an integer
        return False
    return True


def numbers_of(values: Any) -> np.ndarray:
    """Values as an array of floats; a NaN if they are no numbers."""
    try:
        found = np.asarray(values)
    except (TypeError, ValueError):  # as of lists of different lengths
        return np.array(math.nan)
    return found.astype(np.float64) if found.dtype.kind in "iuf" else np.array(math.nan)


def checked_statistics(mean: Any, std: Any, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """A mean and a standard deviation as arrays of float32, of one number or one per channel.

    Raises:
        ValueError: If they are no finite numbers, or not of the channels.
    """
    with np.errstate(over="ignore"):  # a number that float32 does not hold is refused
        found = [numbers_of(values).astype(np.float32) for values in (mean, std)]
    sizes = {(), (1,), (channels,)}
    good = all(values.shape in sizes and np.all(np.isfinite(values)) for values in found)
    if not good or np.any(found[1] <= 0.0):
        raise ValueError(
            "`mean` and `std` are finite numbers, one or one per channel, `std` positive. "
            f"Received: mean={shown(mean)}, std={shown(std)}, images of {channels} channels."
        )
    return found[0], found[1]


def index_of(value: Any) -> int | None:
    """The value as a Python integer, None if it is no integer of any library."""
    try:  # arrays of several numbers have `__index__` as well
        return operator.index(value)
    except (AttributeError, TypeError):  # the former of tensors that are no integers
        return None


def indices_of(values: Any) -> list[int | None]:
    """`index_of` each value; empty if they cannot be gone through, as an array of no dimension."""
    try:
        return [index_of(value) for value in values]
    except TypeError:
        return []


def is_count(value: Any) -> bool:
    """Whether a value is a positive integer."""
    return not isinstance(value, bool) and (index_of(value) or 0) > 0


def positive_integer(value: Any, name: str) -> int:
    """The value as a Python integer.

    Args:
        value: Anything with an `__index__`.
        name: What the argument is called.

    Raises:
        ValueError: If it is no integer, or less than 1.
    """
    if not is_count(value):
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={shown(value)}.")
    return operator.index(value)


def positive_integers(values: Any) -> tuple[int, ...]:
    """The values as a tuple of Python integers, empty if they are not all positive integers."""
    found = [index or 0 for index in indices_of(values)]
    return tuple(found) if found and min(found) > 0 else ()


def none_or_positive(**values: int | None) -> None:
    """Refuses values that are neither `None` nor a positive integer.

    Raises:
        ValueError: Naming the argument.
    """
    for name, value in values.items():
        if value is not None and not is_count(value):
            raise ValueError(f"`{name}` is None or 1 or more. Received: {name}={shown(value)}.")


def true_or_false(**values: Any) -> None:
    """Refuses values that are none of `True`, `False` and `None`.

    Raises:
        ValueError: Naming the argument.
    """
    for name, value in values.items():
        if value is not None and type(value).__name__ not in ("bool", "bool_"):
            raise ValueError(f"`{name}` is True or False. Received: {name}={shown(value)}.")


def known(value: Any, names: Collection[str], argument: str, what: str) -> str:
    """The value, if it is one of some names.

    Args:
        value: What was received.
        names: What there is.
        argument: What the argument is called.
        what: What the names are of, such as "task".

    Raises:
        ValueError: If it is none of them.
    """
    if not isinstance(value, str) or value not in names:  # what has no hash is in no dictionary
        raise ValueError(
            f"There is no such {what}. Received: {argument}={shown(value)}. "
            f"Use one of {tuple(sorted(names))}."
        )
    return value


def is_refresh(values: Any, num_levels: int) -> bool:
    """Whether values say for each level every how many steps its term is computed anew.

    Args:
        values: One positive integer per level, finest first, of which the last is 1; or anything.
        num_levels: The number of levels.

    Example:
        >>> is_refresh((4, 2, 1), 3), is_refresh((4, 2), 3), is_refresh("4,2,1", 3)
        (True, False, False)
    """
    values = tuple(values) if hasattr(values, "__iter__") else ()
    integers = all(is_count(v) for v in values)
    return len(values) == num_levels and integers and values[-1] == 1


def usual_refresh(num_levels: int) -> tuple[int, ...]:
    """Values that `is_refresh` takes: each term half as often as the next coarser one.

    Example:
        >>> usual_refresh(3)
        (4, 2, 1)
    """
    return tuple(2**level for level in reversed(range(num_levels)))


def checked_refresh(refresh: Any, num_levels: int, steps_per_epoch: int) -> tuple[int, ...]:
    """How often terms are computed anew, as integers.

    Raises:
        ValueError: If they are not one positive integer per level, the last is not 1, or one does
            not divide the steps of an epoch.
    """
    if not is_refresh(refresh, num_levels):
        raise ValueError(
            "`refresh` says for each level, finest first, every how many steps its term is "
            "computed anew: positive integers, of which the last is 1. Received: "
            f"refresh={shown(refresh)} for {num_levels} levels. Use for example "
            f"{usual_refresh(num_levels)}."
        )
    values = tuple(int(value) for value in refresh)
    if any(steps_per_epoch % value for value in values):
        raise ValueError(
            "Every epoch computes all terms in its first step, so `refresh` must divide "
            f"steps_per_epoch. Received: refresh={values}, steps_per_epoch={steps_per_epoch}. Use "
            "another steps_per_epoch, or powers of 2 for both."
        )
    return values


def checked_weights(weights: Any, num_levels: int) -> tuple[float, ...]:
    """The weights of a dataset as floats.

    Raises:
        ValueError: If they are not one finite number per pair of levels.
    """
    values = tuple(weights) if hasattr(weights, "__iter__") else ()
    numbers_all = all(is_number(v) and math.isfinite(v) for v in values)
    if len(values) != num_levels - 1 or not numbers_all:
        raise ValueError(
            "Control weights are one finite number per pair of levels, finest first. "
            f"Received: control_weights={shown(weights)} for {num_levels} levels."
        )
    return tuple(float(value) for value in values)
