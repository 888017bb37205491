"""What races on masks look like: curves with the spread of the seeds, and sheets of masks."""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..experiment import pair_quality, plots, sheets
from .race import Raced

GRID = 60  # places along a curve
TILE = 2.4  # inches of a picture
AXES = {"seconds": "seconds of training", "work_units": "work units"}
METRICS = {"loss": "cross-entropy", "mean_iou": "mean IoU"}


def save_curves(races: Mapping[str, Mapping[str, Raced]], cost: str, path: pathlib.Path) -> None:
    """Plots both metrics against a cost: medians over the seeds, from least to most shaded.

    Args:
        races: What came of every contestant, by network.
        cost: `"seconds"` or `"work_units"`.
        path: File to write.
    """
    size = (11.0, 3.6 * len(races) + 0.6)
    figure, lines = plots.panels(len(races), len(METRICS), size, sharex=True)
    for (network, raced), line in zip(races.items(), lines, strict=True):
        for (metric, label), axes in zip(METRICS.items(), line, strict=True):
            for name, one in raced.items():
                _draw(axes, name, one, cost, metric)
            axes.set(title=network, ylabel=f"{label} of held-out pictures")
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(AXES[cost])
            axes.grid(alpha=0.3)
            if metric == "loss":
                axes.set_yscale("log")
                plots.in_decades(axes.yaxis)
    handles, labels = lines[0][0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right upper")
    plots.save(figure, path)


def _draw(axes: Any, name: str, one: Raced, cost: str, metric: str) -> None:
    curves = [run["points"] for run in one.runs if run["points"]]
    if not curves:
        return
    grid, values = on_one_grid(curves, cost, metric)
    (line,) = axes.plot(grid, np.median(values, axis=0), label=name)
    axes.fill_between(grid, values.min(0), values.max(0), color=line.get_color(), alpha=0.15, lw=0)


def on_one_grid(
    curves: Sequence[Sequence[Mapping[str, float]]], cost: str, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """Curves of several seeds at the same costs, linear between validations.

    Returns:
        Costs `(places,)` that all of them have reached, and values `(seeds, places)`.
    """
    costs = [[point[cost] for point in curve] for curve in curves]
    grid = np.linspace(max(c[0] for c in costs), min(c[-1] for c in costs), GRID)
    values = [
        np.interp(grid, at, [point[metric] for point in curve])
        for at, curve in zip(costs, curves, strict=True)
    ]
    return grid, np.array(values)


def save_sheet(
    shown: Sequence[tuple[np.ndarray, np.ndarray]],
    raced: Mapping[str, Raced],
    pairs: Any,
    path: pathlib.Path,
) -> None:
    """Saves photographs, true masks and those of every contestant's first seed.

    Args:
        shown: The pictures, and what is true of them.
        raced: The contestants.
        pairs: Where they come from, for the colours of classes.
        path: File to write.
    """
    colours = pair_quality.colours(pairs.num_classes, pairs.class_colours)
    rows: list[dict[str, np.ndarray]] = []
    for number, (picture, truth) in enumerate(shown):
        tiles = {"photograph": np.clip(picture, 0.0, 1.0)}
        tiles["truth"] = pair_quality.in_colours(truth, colours, pairs.void)
        for name, one in raced.items():
            if one.masks:
                mask = np.where(truth == pairs.void, truth, one.masks[number])
                tiles[name] = pair_quality.in_colours(mask, colours, pairs.void)
        rows += _in_two_lines(tiles)
    plots.draw_sheet(rows, path, TILE)


def _in_two_lines(tiles: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    seen = [(title, sheets.shown(tile)) for title, tile in tiles.items()]
    if len(seen) % 2:
        seen.append(("", np.ones_like(seen[0][1])))
    half = len(seen) // 2
    return [dict(seen[:half]), dict(seen[half:])]
