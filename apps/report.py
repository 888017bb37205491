"""What a run shows: a table, a plot of loss against cost, and a restored picture."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from apps.experiment import Outcome

MIN_WIDTH = 100  # columns, where the output is not a terminal

LABELS = {
    "single_scale": "single-scale",
    "multiscale": "multiscale",
    "full_multiscale": "full-multiscale",
    "progressive": "progressive",
}


def print_table(outcomes: Sequence[Outcome], batches: dict[str, str]) -> None:
    """Prints one row per strategy: cost, loss, and when it reached the last one's final loss."""
    goal = outcomes[-1].curve.final.loss
    table = Table(title="Held-out photographs, MSE of normalised images", box=box.SIMPLE)
    table.add_column("strategy", no_wrap=True)
    for name in ("batch", "steps", "seconds", "WU", "MSE"):
        table.add_column(name, justify="right", no_wrap=True)
    if len(outcomes) > 1:
        table.add_column(f"MSE {goal:.4f} after", justify="right", no_wrap=True)
    for outcome in outcomes:
        final = outcome.curve.final
        row = [
            LABELS[outcome.strategy],
            batches[outcome.strategy],
            f"{sum(outcome.iterations):,}",
            f"{final.seconds:.0f}",
            f"{final.work_units:,.0f}",
            f"{final.loss:.4f}",
        ]
        if len(outcomes) > 1:
            reached = outcome.curve.first_reaching(goal)
            row.append(f"{reached.seconds:.0f} s, {reached.work_units:,.0f} WU" if reached else "-")
        table.add_row(*row)
    console = Console()
    console.width = max(console.width, MIN_WIDTH)
    console.print(table)


def save_plot(outcomes: Sequence[Outcome], path: pathlib.Path) -> None:
    """Plots validation loss against work units and against seconds."""
    from matplotlib import ticker

    plt = _pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, layout="constrained")
    for axis, unit, label in zip(
        axes, ("work_units", "seconds"), ("work units", "seconds"), strict=True
    ):
        for outcome in outcomes:
            points = outcome.curve.points
            axis.plot(
                [getattr(point, unit) for point in points],
                [point.loss for point in points],
                marker=".",
                label=LABELS[outcome.strategy],
            )
        if len(outcomes) > 1:
            axis.axhline(outcomes[-1].curve.final.loss, color="gray", lw=0.8, ls=":")
        axis.set(xlabel=label, xscale="log", yscale="log")
        for line in (axis.xaxis, axis.yaxis):
            line.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            line.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            line.set_minor_formatter(ticker.NullFormatter())
        axis.grid(alpha=0.3, which="both")
    axes[0].set_ylabel("validation MSE, held-out photographs")
    axes[0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def save_picture(pictures: dict[str, np.ndarray], path: pathlib.Path) -> dict[str, float]:
    """Saves pictures side by side, with the PSNR of all but the first against the first.

    Args:
        pictures: By title, arrays `(height, width, 3)` in [0, 1]; the clean one first.
        path: Where to save the sheet.

    Returns:
        PSNR by title, in dB.
    """
    from skimage.metrics import peak_signal_noise_ratio

    plt = _pyplot()
    clean, *others = pictures
    psnr = {
        title: float(peak_signal_noise_ratio(pictures[clean], pictures[title], data_range=1.0))
        for title in others
    }
    height, width = pictures[clean].shape[:2]
    size = (4.5 * len(pictures), 4.5 * height / width + 0.4)
    figure, axes = plt.subplots(1, len(pictures), figsize=size, layout="constrained")
    for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
        axis.imshow(np.clip(picture, 0.0, 1.0))
        axis.set_title(title + (f", {psnr[title]:.2f} dB" if title in psnr else ""))
        axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return psnr


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
