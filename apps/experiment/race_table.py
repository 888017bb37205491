"""The table of times to a quality."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .recording import Point


def as_table(
    problem: str,
    reference: Point,
    results: Mapping[str, Sequence[Point | None]],
    rates: Mapping[str, float],
    reference_rate: float = math.nan,
) -> str:
    """A Markdown table, one line per strategy.

    Args:
        problem: What was learned, for the first line.
        reference: Where single_scale ended, whose loss is to be reached; its seconds are NaN if
            the loss was given.
        results: For each strategy and seed, what had been spent by then, or `None`.
        rates: The learning rate of each strategy.
        reference_rate: That of single_scale, if it was trained for the target.
    """
    target = f"{reference.loss:.4f} to stay{_whose(reference, reference_rate)}"
    lines = [
        f"{problem}: until the validation loss is {target}\n",
        "| strategy | rate | seconds, median (least to most) | work units | times faster |",
        "|---|---|---|---|---|",
    ]
    for name, points in results.items():
        if math.isfinite(median_seconds(points)):
            shown = _cells(points, reference.seconds)
        else:
            reached = sum(point is not None for point in points)
            shown = f"{reached} of {len(points)} seeds reached it", "", ""
        lines.append(f"| {name} | {rates[name]:g} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def median_seconds(points: Sequence[Point | None]) -> float:
    """Median over the seeds; infinite if half of them or more did not get there."""
    return float(np.median([np.inf if point is None else point.seconds for point in points]))


def _whose(reference: Point, rate: float) -> str:
    if math.isnan(reference.seconds):
        return ""
    return (
        f", as single_scale's is after {reference.seconds:.0f} s and "
        f"{reference.work_units:,.0f} work units (rate {rate:g})"
    )


def _cells(points: Sequence[Point | None], reference_seconds: float) -> tuple[str, str, str]:
    seconds = [np.inf if point is None else point.seconds for point in points]
    units = [np.inf if point is None else point.work_units for point in points]
    median = median_seconds(points)
    spread = f"{median:.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
    times = "" if math.isnan(reference_seconds) else f"{reference_seconds / median:.1f}"
    return spread, f"{np.median(units):,.0f}", times
