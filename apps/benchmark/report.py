"""The benchmark's tables in Markdown, and its plot."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

from ..experiment import plots, tables

Row = dict[str, Any]

TITLES = {
    "summary": "Strategies beside stock Keras",
    "levels": "Plain steps by level, batches in memory",
    "precision": "The same in mixed_bfloat16",
    "depths": "Steps of several levels, batches in memory; efficiency: predicted / measured time",
    "pipeline": "What the input pipeline adds to a step",
    "pairs": "What the input pipeline adds to a step on pairs from JPEG and PNG files",
    "stages": "Starting the stages of a Full-Multiscale run, and doing so again",
    "executions": "Steps of fit one by one, and several in one execution",
    "fits": "fit beside stock Keras",
    "torch": "Steps beside a plain PyTorch loop, batches in memory",
    "memory": "Peak memory of steps, each in a process of its own",
    "runs": "Whole runs of about as many work units each; prices without starting up",
    "quality": "Seconds until as good as single_scale in the end",
    "examples": "Classification, signals and volumes: held out, after equal seconds",
}

_COLUMNS = {
    "mesh": ("mesh", "{:d} px"),
    "size": ("image", "{:d} px"),
    "stage": ("stage", "{}"),
    "problem": ("problem", "{}"),
    "name": ("", "{}"),
    "chosen_rate": ("rate", "{:g}"),
    "stage_steps": ("steps by stage, finest first", "{}"),
    "losses": ("cross-entropy", "{}"),
    "quality": ("accuracy or mean IoU", "{}"),
    "level": ("level", "{:d}"),
    "levels": ("levels", "{:d}"),
    "finest": ("finest level", "{:d}"),
    "batch": ("batch", "{:d}"),
    "batches": ("batches", "{}"),
    "work_units": ("WU", "{:.4g}"),
    "rate": ("rate in the race", "{:g}"),
    "to_quality": ("seconds to the quality, median", "{:.1f}"),
    "times_faster": ("times faster", "{:.1f}"),
    "whole": ("seconds", "{:.1f}"),
    "start": ("of starting up", "{:.1f}"),
    "loss": ("validation loss", "{:.4f}"),
    "steps": ("steps", "{:d}"),
    "seconds": ("ms per step", "{:.1f}"),
    "step": ("ms per step", "{:.1f}"),
    "at_once": ("at once", "{:d}"),
    "grouped": ("ms, at once", "{:.1f}"),
    "saved": ("saved", "{:.0%}"),
    "in_memory": ("ms, in memory", "{:.2f}"),
    "fed": ("ms, fed", "{:.2f}"),
    "added": ("added", "{:+.1%}"),
    "added_error": ("±", "{:.1%}"),
    "seconds_per_work_unit": ("ms per WU", "{:.1f}"),
    "efficiency": ("efficiency", "{:.2f}"),
    "relative": ("per WU, relative", "{:.2f}"),
    "spread": ("spread", "{:.1%}"),
    "first_start": ("first start, s", "{:.2f}"),
    "later_start": ("later start, s", "{:.3f}"),
    "share_of_run": ("of the run", "{:.1%}"),
    "gflops": ("GFLOP/s", "{:.0f}"),
    "share_of_peak": ("of the peak", "{:.0%}"),
    "peak": ("peak, MiB", "{:.0f}"),
    "of_steps": ("of the steps, MiB", "{:.0f}"),
}


def as_table(rows: Sequence[Row]) -> str:
    """A Markdown table; columns are those of the first row."""
    names = list(rows[0])
    lines = [[_shown(name, row[name]) for name in names] for row in rows]
    return tables.markdown([_COLUMNS[name][0] for name in names], lines)


def _shown(name: str, value: Any) -> str:
    head, form = _COLUMNS[name]
    if isinstance(value, (tuple, list)):
        return ", ".join(str(entry) for entry in value)
    if isinstance(value, float) and not math.isfinite(value):
        return "-" if math.isnan(value) else "not in time"
    return form.format(1e3 * value if head.startswith("ms") else value)


def save_plot(
    results: dict[str, list[Row]], path: str | os.PathLike[str], policy: str = "float32"
) -> None:
    """Saves milliseconds per work unit by level, and efficiency by number of levels."""
    figure, ((price, efficiency),) = plots.panels(1, 2, (9.5, 4.0))
    for name in ("levels", "precision"):
        if rows := results.get(name):
            price.plot(
                [row["level"] for row in rows],
                [1e3 * row["seconds_per_work_unit"] for row in rows],
                "o-",
                label="mixed_bfloat16" if name == "precision" else policy,
            )
    _finish(price, "Price of a work unit", "level", "milliseconds")
    depths = results.get("depths", [])
    for size in dict.fromkeys(row["size"] for row in depths):
        of_size = [row for row in depths if row["size"] == size]
        efficiency.plot(
            [row["levels"] for row in of_size],
            [row["efficiency"] for row in of_size],
            "o-",
            label=f"{size} px",
        )
    efficiency.axhline(0.95, color="grey", linewidth=0.8)
    _finish(efficiency, "Efficiency of a step", "levels", "predicted over measured time")
    plots.save(figure, path)


def _finish(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_ylim(bottom=0.0)
    axes.xaxis.get_major_locator().set_params(integer=True)
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
