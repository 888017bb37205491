"""Plots that several targets share."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Dots(NamedTuple):
    """A line of a plot: what it is called, a value a seed, the paper's value if there is one."""

    label: str
    values: Sequence[float]
    paper: float | None = None


def save_dots(
    panels: Mapping[str, Sequence[Dots]], xlabel: str, path: pathlib.Path, log: bool = False
) -> None:
    """Saves panels side by side: dots of the seeds, their median, the paper's value as a cross."""
    from ..experiment import plots

    most = max(len(lines) for lines in panels.values())
    size = (2.5 + 3.5 * len(panels), 1.2 + 0.28 * most)
    figure, (axes,) = plots.panels(
        1, len(panels), size, sharey=len({*map(_labels, panels.values())}) == 1
    )
    for one, (title, lines) in zip(axes, panels.items(), strict=True):
        _draw(one, lines)
        one.set(title=title, xlabel=xlabel, xscale="log" if log else "linear")
        if log:
            plots.in_decades(one.xaxis)
        one.grid(alpha=0.3, axis="x")
    plots.save(figure, path)


def _labels(lines: Sequence[Dots]) -> tuple[str, ...]:
    return tuple(line.label for line in lines)


def _draw(axes: Any, lines: Sequence[Dots]) -> None:
    import numpy as np

    heights = range(len(lines))[::-1]
    for height, line in zip(heights, lines, strict=True):
        axes.plot(line.values, [height] * len(line.values), "o", alpha=0.6, color="tab:blue")
        if line.values:
            axes.plot([np.median(line.values)], [height], "|", markersize=14, color="black")
        if line.paper is not None:
            axes.plot([line.paper], [height], "x", color="tab:red")
    axes.set_yticks(heights, _labels(lines))
    if any(line.paper is not None for line in lines):
        axes.plot([], [], "x", color="tab:red", label="paper")
        axes.legend()
