"""Numbers of one seed or several as a table shows them."""

from __future__ import annotations

import math
from collections.abc import Iterable

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
    mean = f"{np.mean(known):.{digits}g}"
    return mean if len(known) == 1 else f"{mean} ± {np.std(known, ddof=1):.{digits - 1}g}"


def holds(expected: str, measured: str, true: bool) -> str:
    """A note that says whether something expected is found."""
    return f"{'Holds' if true else 'Does not hold'}: {expected}. Measured: {measured}."
