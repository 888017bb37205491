"""How much faster a quality is reached: read off between budgets, never beyond them.

A curve has a point per budget: measured seconds and the loss, both medians over seeds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

Curve = Sequence[tuple[float, float]]

CONVERGED = 1.01  # times the least loss of plain training
PLACES = 5  # qualities at which speed-ups are read


class Reached(NamedTuple):
    """When a curve reaches a loss.

    Attributes:
        seconds: The seconds.
        at_most: Whether it may be sooner, as even the shortest budget ends below.
    """

    seconds: float
    at_most: bool = False


class SpeedUp(NamedTuple):
    """How many times as fast one reaches a loss as another.

    Attributes:
        times: The ratio of the seconds.
        bound: `"at least"`, `"at most"`, or nothing where both are known.
    """

    times: float
    bound: str = ""

    def __str__(self) -> str:
        return f"{self.bound} {self.times:.1f}".strip()


def envelope(curve: Curve) -> list[tuple[float, float]]:
    """The curve in order of seconds, each loss the least so far: a longer run may be worse.

    Example:
        >>> envelope([(240.0, 0.5), (60.0, 1.0), (960.0, 0.7)])
        [(60.0, 1.0), (240.0, 0.5), (960.0, 0.5)]
    """
    ordered = sorted(curve)
    least = np.minimum.accumulate([loss for _, loss in ordered]).tolist()
    return [(seconds, loss) for (seconds, _), loss in zip(ordered, least, strict=True)]


def reached(curve: Curve, loss: float) -> Reached | None:
    """When a curve reaches a loss; between budgets, the logarithm of seconds is linear in the loss.

    Returns:
        The least seconds, or `None` if not even the longest budget ends there.

    Example:
        >>> reached([(10.0, 0.4), (1000.0, 0.2)], 0.3)
        Reached(seconds=100.0, at_most=False)
    """
    points = envelope(curve)
    for number, (seconds, found) in enumerate(points):
        if found > loss:
            continue
        if number == 0:
            return Reached(seconds, at_most=found < loss)
        before, above = points[number - 1]
        share = (above - loss) / (above - found)
        return Reached(before * (seconds / before) ** share)
    return None


def soonest(curves: Iterable[Curve], loss: float) -> Reached | None:
    """When the first of some curves reaches a loss."""
    found = [when for curve in curves if (when := reached(curve, loss)) is not None]
    return min(found, key=lambda when: (when.seconds, not when.at_most), default=None)


def speed_up(reference: Reached, other: Reached) -> SpeedUp | None:
    """How many times as fast `other` is; `None` if the shortest budget is too long for both.

    Example:
        >>> str(speed_up(Reached(300.0), Reached(60.0, at_most=True)))
        'at least 5.0'
    """
    if reference.at_most and other.at_most:
        return None
    bound = "at least" if other.at_most else "at most" if reference.at_most else ""
    return SpeedUp(reference.seconds / other.seconds, bound)


def converged(plain: Iterable[Curve]) -> float:
    """The loss within 1 % of the least that plain training reaches; not a number if it has none."""
    losses = [loss for curve in plain for _, loss in curve]
    return CONVERGED * min(losses) if losses else math.nan


def qualities(plain: Sequence[Curve], places: int = PLACES) -> list[float]:
    """Losses to read speed-ups at, descending to the converged one.

    Args:
        plain: The curves of plain training, of which the best begins at the first loss.
        places: How many, evenly spread.

    Returns:
        The losses; only the converged one if the shortest budget is enough for it.
    """
    last = converged(plain)
    if math.isnan(last):
        return []
    first = min(envelope(curve)[0][1] for curve in plain if curve)
    return np.linspace(first, last, places).tolist() if first > last else [last]
