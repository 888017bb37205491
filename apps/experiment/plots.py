"""Plots: what all have in common, a training run's curves, and sheets of pictures."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .tables import loss_label

if TYPE_CHECKING:
    from .outcome import Outcome

DPI = 120


def panels(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Any, Any]:
    """A figure of `size` inches and its axes, an array `(rows, columns)`.

    It belongs to no window, so nothing need be closed and no display is needed.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Any, path: str | os.PathLike[str]) -> None:
    """Writes a figure; the suffix of the path is the format."""
    figure.savefig(path, dpi=DPI)


def in_decades(axis: Any) -> None:
    """Labels 1, 2, 5, 10, ... along a logarithmic axis, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def save_curves(outcomes: Sequence[Outcome], loss: str, path: pathlib.Path) -> None:
    """Plots validation loss against work units and against seconds."""
    figure, ((by_work, by_time),) = panels(1, 2, (10.0, 4.0), sharey=True)
    _curves(by_work, outcomes, loss, "work_units", "work units")
    _curves(by_time, outcomes, loss, "seconds", "seconds")
    by_work.set_ylabel(f"validation {loss_label(loss)}, held-out photographs")
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
    axes.set(xlabel=label, xscale="log", yscale="linear" if loss == "ssim" else "log")
    for axis in (axes.xaxis,) if loss == "ssim" else (axes.xaxis, axes.yaxis):
        in_decades(axis)
    axes.grid(alpha=0.3, which="both")


def save_sheet(rows: Sequence[dict[str, np.ndarray]], path: pathlib.Path) -> None:
    """Saves pictures side by side, with their PSNR against the one called `"clean"`, if any.

    Args:
        rows: By title, arrays `(height, width, 3)` in [0, 1]; every row has the same titles.
        path: Where to save the sheet.
    """
    shapes = [next(iter(row.values())).shape for row in rows]
    heights = [height / width for height, width, _ in shapes]
    size = (4.5 * len(rows[0]), 4.5 * sum(heights) + 0.4 * len(rows))
    figure, lines = panels(len(rows), len(rows[0]), size, height_ratios=heights)
    for row, line in zip(rows, lines, strict=True):
        for axes, (title, picture) in zip(line, row.items(), strict=True):
            axes.imshow(np.clip(picture, 0.0, 1.0))
            axes.set_title(title + _psnr_text(row, title))
            axes.axis("off")
    save(figure, path)


def _psnr_text(row: dict[str, np.ndarray], title: str) -> str:
    clean = row.get("clean")
    if clean is None or title == "clean" or clean.shape != row[title].shape:
        return ""
    return f", {psnr(clean, row[title]):.2f} dB"


def psnr(clean: np.ndarray, picture: np.ndarray) -> float:
    """PSNR of two pictures in [0, 1], in dB."""
    from skimage.metrics import peak_signal_noise_ratio

    return float(peak_signal_noise_ratio(clean, picture, data_range=1.0))
