"""What a run shows: tables, a plot of loss against cost, and a sheet of pictures."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from .building import Outcome
from .quality import Quality

MIN_WIDTH = 100  # columns, where the output is not a terminal

LABELS = {
    "single_scale": "single-scale",
    "multiscale": "multiscale",
    "full_multiscale": "full-multiscale",
    "adaptive": "adaptive",
    "progressive": "progressive",
    "progressive_resizing": "progressive resizing",
}


def print_costs(outcomes: Sequence[Outcome], batches: dict[str, str], loss: str) -> None:
    """Prints one row per strategy: cost, loss, and when it reached the last one's final loss."""
    goal = outcomes[-1].curve.final.loss
    columns = ["strategy", "batch", "steps", "seconds", "WU", _loss_label(loss)]
    if len(outcomes) > 1:
        columns.append(f"{_loss_label(loss)} {goal:.4f} after")
    table = _table(f"Held-out photographs, {_loss_label(loss)} of normalised images", columns)
    for outcome in outcomes:
        final = outcome.curve.final
        row = [
            LABELS[outcome.strategy],
            batches[outcome.strategy],
            f"{int(outcome.model.optimizer.iterations):,}",
            f"{final.seconds:.0f}",
            f"{final.work_units:,.0f}",
            f"{final.loss:.4f}",
        ]
        if len(outcomes) > 1:
            reached = outcome.curve.first_reaching(goal)
            row.append(f"{reached.seconds:.0f} s, {reached.work_units:,.0f} WU" if reached else "-")
        table.add_row(*row)
    _print(table)


def print_quality(reached: dict[str, Quality]) -> None:
    """Prints PSNR and SSIM, one row per way of restoring."""
    table = _table("Held-out photographs, means over the crops", ["restored by", "PSNR", "SSIM"])
    for name, values in reached.items():
        label = "nothing (degraded)" if name == "degraded" else LABELS.get(name, name)
        table.add_row(label, f"{values.psnr:.2f} dB", f"{values.ssim:.4f}")
    _print(table)


def print_restored(compared: dict[str, tuple[Quality, Quality]]) -> None:
    """Prints one row per file: PSNR and SSIM of the input and of what was restored."""
    columns = ["file", "PSNR before", "restored", "SSIM before", "restored"]
    table = _table("Against the clean pictures", columns)
    for name, (before, after) in compared.items():
        table.add_row(name, *_numbers(before, after))
    means = np.mean(list(compared.values()), axis=0)
    table.add_row("mean", *_numbers(Quality(*means[0]), Quality(*means[1])))
    _print(table)


def _numbers(before: Quality, after: Quality) -> list[str]:
    psnrs = (f"{before.psnr:.2f} dB", f"{after.psnr:.2f} dB")
    return [*psnrs, f"{before.ssim:.4f}", f"{after.ssim:.4f}"]


def _loss_label(loss: str) -> str:
    return "-SSIM" if loss == "ssim" else loss.upper()


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, box=box.SIMPLE)
    table.add_column(columns[0], no_wrap=True)
    for name in columns[1:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _print(table: Table) -> None:
    console = Console()
    console.width = max(console.width, MIN_WIDTH)
    console.print(table)


def save_plot(outcomes: Sequence[Outcome], loss: str, path: pathlib.Path) -> None:
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
        # The negative SSIM has no logarithm.
        axis.set(xlabel=label, xscale="log", yscale="linear" if loss == "ssim" else "log")
        for line in (axis.xaxis,) if loss == "ssim" else (axis.xaxis, axis.yaxis):
            line.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
            line.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
            line.set_minor_formatter(ticker.NullFormatter())
        axis.grid(alpha=0.3, which="both")
    axes[0].set_ylabel(f"validation {_loss_label(loss)}, held-out photographs")
    axes[0].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def save_sheet(rows: Sequence[dict[str, np.ndarray]], path: pathlib.Path) -> None:
    """Saves pictures side by side, with their PSNR against the one called `"clean"`, if any.

    Args:
        rows: By title, arrays `(height, width, 3)` in [0, 1]; every row has the same titles.
        path: Where to save the sheet.
    """
    plt = _pyplot()
    shapes = [next(iter(row.values())).shape for row in rows]
    heights = [height / width for height, width, _ in shapes]
    size = (4.5 * len(rows[0]), 4.5 * sum(heights) + 0.4 * len(rows))
    figure, axes = plt.subplots(
        len(rows),
        len(rows[0]),
        figsize=size,
        squeeze=False,
        layout="constrained",
        height_ratios=heights,
    )
    for row, line in zip(rows, axes, strict=True):
        for axis, (title, picture) in zip(line, row.items(), strict=True):
            axis.imshow(np.clip(picture, 0.0, 1.0))
            axis.set_title(title + _psnr_text(row, title))
            axis.axis("off")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _psnr_text(row: dict[str, np.ndarray], title: str) -> str:
    clean = row.get("clean")
    if clean is None or title == "clean" or clean.shape != row[title].shape:
        return ""
    return f", {psnr(clean, row[title]):.2f} dB"


def psnr(clean: np.ndarray, picture: np.ndarray) -> float:
    """PSNR of two pictures in [0, 1], in dB."""
    from skimage.metrics import peak_signal_noise_ratio

    return float(peak_signal_noise_ratio(clean, picture, data_range=1.0))


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
