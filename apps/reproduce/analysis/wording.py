"""Numbers of one seed or several as a table shows them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

UNKNOWN = "-"


def of_seeds(values: Iterable[float | None], digits: int = 3) -> str:
    """The mean, and of several seeds the standard deviation, to so many significant digits.

    Args:
        values: One a seed; `None` or nan where there is none.
        digits: How many digits are shown.
    """
    known = [value for value in values if value is not None and not math.isnan(value)]
    if not known:
        return UNKNOWN
    mean = _positional(np.mean(known), digits)
    if len(known) == 1:
        return mean
    return f"{mean} ± {_positional(np.std(known, ddof=1), digits - 1)}"


def counts_of_seeds(values: Iterable[int | None]) -> str:
    """The same of whole numbers: the mean to its last digit."""
    return of_seeds(values, 6)


def _positional(value: Any, digits: int) -> str:
    """A number to so many significant digits, without an exponent."""
    return np.format_float_positional(
        value, precision=digits, unique=False, fractional=False, trim="-"
    )


def holds(expected: str, measured: str, true: bool) -> str:
    """A note that says whether something expected is found."""
    return f"{'Holds' if true else 'Does not hold'}: {expected}. Measured: {measured}."
