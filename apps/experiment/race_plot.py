"""The plot of times to a quality."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .recording import Point


class Result(NamedTuple):
    """The races on one problem.

    Attributes:
        reference: Where single_scale ended, whose loss is to be reached; seconds may be NaN.
        reached: For each strategy and seed, what had been spent by then, or `None`.
    """

    reference: Point
    reached: Mapping[str, Sequence[Point | None]]


def save_plot(results: Mapping[str, Result], path: str | os.PathLike[str]) -> None:
    """Saves seconds to the quality: a dot per seed and the median, one panel per problem.

    Args:
        results: By problem.
        path: File to write.
    """
    from matplotlib.figure import Figure

    columns = min(2, len(results))
    rows = -(-len(results) // columns)
    figure = Figure(figsize=(5.0 * columns, 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True).flat
    for axes in list(panels)[len(results) :]:
        axes.remove()
    for axes, (problem, result) in zip(figure.axes, results.items(), strict=True):
        _draw(axes, problem, result)
    figure.savefig(path, dpi=120)


def _draw(axes: Any, problem: str, result: Result) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    names = list(result.reached)
    axes.set_xscale("log")  # before there is data: there may be none
    right = axes.get_yaxis_transform()  # x as a share of the panel, y as a strategy
    for height, name in enumerate(reversed(names)):
        seconds = [np.inf if p is None else p.seconds for p in result.reached[name]]
        reached = [value for value in seconds if np.isfinite(value)]
        axes.plot(reached, [height] * len(reached), "o", alpha=0.6, color="tab:blue")
        if np.isfinite(median := np.median(seconds)):
            axes.plot([median], [height], "|", markersize=18, markeredgewidth=2.5, color="black")
        if len(reached) < len(seconds):
            note = f"{len(seconds) - len(reached)} of {len(seconds)} not in time"
            axes.annotate(note, (0.99, height), xycoords=right, ha="right", va="center")
    if np.isfinite(result.reference.seconds):
        axes.axvline(result.reference.seconds, color="grey", linewidth=0.8)
    axes.set_yticks(range(len(names)), list(reversed(names)))
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelbottom=True)
    axes.set_xlabel("seconds (grey line: single_scale)")
    axes.set_title(f"{problem}: {result.reference.loss:.4f}")
