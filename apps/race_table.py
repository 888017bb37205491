"""The table of times to a quality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from apps.recording import Point


def as_table(
    problem: str,
    reference: Point,
    results: Mapping[str, Sequence[Point | None]],
    rates: Mapping[str, float],
) -> str:
    """A Markdown table, one line per strategy.

    Args:
        problem: What was learned, for the first line.
        reference: Where single_scale ended, whose loss is to be reached.
        results: For each strategy and seed, what had been spent by then, or `None`.
        rates: The learning rate of each strategy.
    """
    lines = [
        f"{problem}: until the validation loss is {reference.loss:.4f} to stay, as single_scale's "
        f"is after {reference.seconds:.0f} s and {reference.work_units:,.0f} work units\n",
        "| strategy | rate | seconds, median (least to most) | work units | times faster |",
        "|---|---|---|---|---|",
    ]
    for name, points in results.items():
        reached = [point for point in points if point is not None]
        if len(reached) <= len(points) // 2:
            shown = f"{len(reached)} of {len(points)} seeds reached it", "", ""
        else:
            shown = _cells(points, reference.seconds)
        lines.append(f"| {name} | {rates[name]:g} | {' | '.join(shown)} |")
    return "\n".join(lines) + "\n"


def _cells(points: Sequence[Point | None], reference_seconds: float) -> tuple[str, str, str]:
    seconds = [np.inf if point is None else point.seconds for point in points]
    units = [np.inf if point is None else point.work_units for point in points]
    median = float(np.median(seconds))
    spread = f"{median:.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
    return spread, f"{np.median(units):,.0f}", f"{reference_seconds / median:.1f}"
