"""Plots: what all have in common, a training run's curves, and sheets of pictures."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .option_names import SSIMS
from .printable import printable
from .sheets import sheet_row
from .tables import loss_label

if TYPE_CHECKING:
    from .outcome import Outcome

DPI = 120
SHEET_WIDTH = 4.5  # inches of a picture


def panels(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Any, Any]:
    """A figure of `size` inches and its axes, an array `(rows, columns)`.

    It belongs to no window, so nothing need be closed and no display is needed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Writes a figure; the suffix of the path is the format.

    Raises:
        OSError: Naming the file, if it cannot be written; what was there is then as it was.
    """
    from keras_ms import safe_files  # imported late: it would slow down `--help`

    with safe_files.whole(path) as unfinished:
        figure.savefig(unfinished, dpi=DPI)


def in_decades(axis: Any) -> None:
    """Labels 1, 2, 5, 10, ... along a logarithmic axis, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def save_curves(
    outcomes: Sequence[Outcome], loss: str, path: pathlib.Path, what: str = "photographs"
) -> None:
    """Plots validation loss, of `what` was held out, against work units and against seconds."""
    figure, ((by_work, by_time),) = panels(1, 2, (10.0, 4.0), sharey=True)
    _curves(by_work, outcomes, loss, "work_units", "work units")
    _curves(by_time, outcomes, loss, "seconds", "seconds")
    by_work.set_ylabel(f"validation {loss_label(loss)}, held-out {what}")
    by_work.legend()
    save(figure, path)


def _curves(axes: Any, outcomes: Sequence[Outcome], loss: str, unit: str, label: str) -> None:
    for outcome in outcomes:
        points = outcome.curve.points
        costs, losses = [getattr(p, unit) for p in points], [p.loss for p in points]
        axes.plot(costs, losses, marker=".", label=outcome.label)
    if len(outcomes) > 1:
        axes.axhline(outcomes[-1].curve.final.loss, color="gray", lw=0.8, ls=":")
    # The negative SSIM has no logarithm.
    axes.set(xlabel=label, xscale="log", yscale="linear" if loss in SSIMS else "log")
    for axis in (axes.xaxis,) if loss in SSIMS else (axes.xaxis, axes.yaxis):
        in_decades(axis)
    axes.grid(alpha=0.3, which="both")


def save_sheet(rows: Sequence[dict[str, np.ndarray]], path: pathlib.Path) -> None:
    """Saves pictures side by side, with their PSNR against the one called `"clean"`, if any.

    Args:
        rows: By title, arrays `(height, width, bands)`, bytes or floats in [0, 1]; every row has
            as many.
        path: Where to save the sheet.
    """
    draw_sheet([sheet_row(row) for row in rows], path)


def draw_sheet(
    rows: Sequence[dict[str, np.ndarray]], path: pathlib.Path, width: float = SHEET_WIDTH
) -> None:
    """Draws what `sheet_row` made of rows, each picture `width` inches wide."""
    shapes = [next(iter(row.values())).shape for row in rows]
    heights = [height / width for height, width, _ in shapes]
    size = (width * len(rows[0]), width * sum(heights) + 0.4 * len(rows))
    figure, lines = panels(len(rows), len(rows[0]), size, height_ratios=heights)
    for row, line in zip(rows, lines, strict=True):
        for axes, (title, picture) in zip(line, row.items(), strict=True):
            axes.imshow(picture)
            axes.set_title(printable(title), parse_math=False)  # a name may hold dollar signs
            axes.axis("off")
    save(figure, path)
