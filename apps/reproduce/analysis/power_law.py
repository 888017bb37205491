"""How a quantity depends on the width of pixels: as a power of it, fitted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from . import wording

LEAST = 3  # values, for an error of the slope


class PowerLaw(NamedTuple):
    """`factor * width ** slope`.

    Attributes:
        slope: The power, nan if there are no two values to fit.
        error: Its standard error, from how far the values are from the law; nan of two values.
        factor: What the law says of the width 1.
    """

    slope: float
    error: float
    factor: float

    @property
    def least(self) -> float:
        """Two standard errors below the slope."""
        return 2.0 * self.slope - self.most

    @property
    def most(self) -> float:
        """Two standard errors above the slope."""
        return self.slope + (0.0 if math.isnan(self.error) else 2.0 * self.error)

    @property
    def as_width_or_faster(self) -> bool:
        """Whether it falls with the width, and the power may be 1 or more, by two errors."""
        return self.most >= 1.0 and self.least > 0.0

    def __str__(self) -> str:
        error = "" if math.isnan(self.error) else f" ± {self.error:.2f}"
        return "?" if math.isnan(self.slope) else f"{self.slope:.2f}{error}"


def power_law(widths: Sequence[float], values: Sequence[float]) -> PowerLaw:
    """Fits a straight line to the logarithms by least squares.

    Args:
        widths: Of pixels, positive.
        values: As many; those that are not positive, or nan, are left out.

    Returns:
        The law.
    """
    from scipy import stats

    x, y = np.array(widths, float), np.array(values, float)
    there = np.isfinite(y) & (y > 0.0)
    number = int(np.sum(there))
    if number < 2:
        return PowerLaw(math.nan, math.nan, math.nan)
    found = stats.linregress(np.log(x[there]), np.log(y[there]))
    error = float(found.stderr) if number >= LEAST else math.nan
    return PowerLaw(float(found.slope), error, math.exp(found.intercept))


def of_seeds(laws: Sequence[PowerLaw]) -> str:
    """The slope: of one seed with the error of its fit, of several the mean and the spread."""
    return str(laws[0]) if len(laws) == 1 else wording.of_seeds((law.slope for law in laws), 2)
