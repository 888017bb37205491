"""What races came to: a table in Markdown and a plot."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..experiment import plots, tables
from ..experiment.recording import Point
from .contestants import REFERENCE

COLUMNS = ("strategy", "rate", "seconds, median (least to most)", "work units", "times faster")


class Result(NamedTuple):
    """The races on one problem.

    Attributes:
        reference: Where the reference ended, whose loss is to be reached; seconds may be NaN.
        reached: For each contestant and seed, what had been spent by then, or `None`.
    """

    reference: Point
    reached: Mapping[str, Sequence[Point | None]]


def as_table(
    problem: str, result: Result, rates: Mapping[str, float], reference_rate: float = math.nan
) -> str:
    """A Markdown table, one line per contestant, under a line that says the target.

    Args:
        problem: What was learned, for the first line.
        result: What the races came to.
        rates: The learning rate of each contestant.
        reference_rate: That of the reference, if it was trained for the target.
    """
    reference = result.reference
    target = f"at {reference.loss:.4f} or below{_whose(reference, reference_rate)}"
    rows = [
        (name, f"{rates[name]:g}", *_cells(points, reference.seconds))
        for name, points in result.reached.items()
    ]
    title = f"{problem}: until the validation loss stays {target}"
    return f"{title}\n\n{tables.markdown(COLUMNS, rows)}"


def median_seconds(points: Sequence[Point | None]) -> float:
    """Median over the seeds; infinite if half of them or more did not get there."""
    return float(np.median(_seconds(points)))


def _seconds(points: Sequence[Point | None]) -> list[float]:
    return [np.inf if point is None else point.seconds for point in points]


def _whose(reference: Point, rate: float) -> str:
    if math.isnan(reference.seconds):
        return ""
    return (
        f", as {REFERENCE}'s is after {reference.seconds:.0f} s and "
        f"{reference.work_units:,.0f} work units (rate {rate:g})"
    )


def _cells(points: Sequence[Point | None], reference_seconds: float) -> tuple[str, str, str]:
    median, seconds = median_seconds(points), _seconds(points)
    if not math.isfinite(median):
        reached = sum(point is not None for point in points)
        return f"{reached} of {len(points)} seeds reached it", "", ""
    units = [np.inf if point is None else point.work_units for point in points]
    spread = f"{median:.1f} ({min(seconds):.1f} to {max(seconds):.1f})"
    times = "" if math.isnan(reference_seconds) else f"{reference_seconds / median:.1f}"
    return spread, f"{np.median(units):,.0f}", times


def save_plot(results: Mapping[str, Result], path: str | os.PathLike[str]) -> None:
    """Saves seconds to the quality: a dot per seed and the median, one panel per problem.

    Args:
        results: By problem.
        path: File to write.
    """
    columns = min(2, len(results))
    rows = -(-len(results) // columns)
    figure, panels = plots.panels(rows, columns, (5.0 * columns, 2.6 * rows), sharex=True)
    for axes in list(panels.flat)[len(results) :]:
        axes.remove()
    for axes, (problem, result) in zip(figure.axes, results.items(), strict=True):
        _draw(axes, problem, result)
    plots.save(figure, path)


def _draw(axes: Any, problem: str, result: Result) -> None:
    names = list(result.reached)
    axes.set_xscale("log")  # before there is data: there may be none
    for height, name in enumerate(reversed(names)):
        _draw_one(axes, height, _seconds(result.reached[name]))
    if np.isfinite(result.reference.seconds):
        axes.axvline(result.reference.seconds, color="grey", linewidth=0.8)
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_ylim(-0.6, len(names) - 0.4)
    plots.in_decades(axes.xaxis)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(f"seconds (grey line: {REFERENCE})")
    axes.set_title(f"{problem}: {result.reference.loss:.4f}")


def _draw_one(axes: Any, height: int, seconds: list[float]) -> None:
    reached = [value for value in seconds if np.isfinite(value)]
    axes.plot(reached, [height] * len(reached), "o", alpha=0.6, color="tab:blue")
    if np.isfinite(median := np.median(seconds)):
        axes.plot([median], [height], "|", markersize=18, markeredgewidth=2.5, color="black")
    if len(reached) < len(seconds):
        note = f"{len(seconds) - len(reached)} of {len(seconds)} not in time"
        right = axes.get_yaxis_transform()  # x as a share of the panel, y as a contestant
        axes.annotate(note, (0.99, height), xycoords=right, ha="right", va="center")
