"""Quality against budget, in a plot whose straight lines are what speed-ups are read off."""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Mapping
from typing import Any

from ..experiment import plots
from . import reading
from .entries import Entry
from .headline import of_plain
from .settings import FrontierSettings

METRICS = {"loss": "loss", "mean_iou": "mean IoU"}
MARKERS = "osD^vP*Xhd<>"


def save_plot(
    options: FrontierSettings,
    title: str,
    loss_label: str,
    entries: Mapping[str, Entry],
    path: str | os.PathLike[str],
) -> None:
    """Plots medians over the seeds against measured seconds, from least to most as bars.

    Args:
        options: Of the frontier.
        title: What was learned by which network.
        loss_label: What the loss is called.
        entries: What came of every contestant.
        path: File to write.
    """
    shown = [metric for metric in METRICS if _has(entries, metric)] or ["loss"]
    figure, (line,) = plots.panels(1, len(shown), (5.4 * len(shown) + 2.2, 4.2))
    for metric, axes in zip(shown, line, strict=True):
        axes.set(xscale="log", title=title, xlabel="seconds of training, measured")
        for number, (name, entry) in enumerate(entries.items()):
            _draw(axes, name, entry, metric, MARKERS[number % len(MARKERS)])
        axes.set_ylabel(f"{loss_label if metric == 'loss' else METRICS[metric]} of held-out data")
        axes.grid(alpha=0.3)
        axes.set_xticks(options.budgets, [f"{budget:g}" for budget in options.budgets])
        axes.minorticks_off()
    _draw_converged(options, entries, line[0])
    handles, labels = line[0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, labels, loc="outside right upper")
    plots.save(figure, path)


def _has(entries: Mapping[str, Entry], metric: str) -> bool:
    return any(
        metric in run for entry in entries.values() for b in entry.runs for run in entry.ends(b)
    )


def _draw(axes: Any, name: str, entry: Entry, metric: str, marker: str) -> None:
    budgets = [budget for budget in sorted(entry.runs) if entry.ends(budget)]
    if not budgets:
        return
    values = [sorted(run[metric] for run in entry.ends(budget)) for budget in budgets]
    medians = [float(statistics.median(some)) for some in values]
    spread = [
        [median - some[0] for median, some in zip(medians, values, strict=True)],
        [some[-1] - median for median, some in zip(medians, values, strict=True)],
    ]
    seconds = [entry.seconds(budget) for budget in budgets]
    axes.errorbar(seconds, medians, spread, marker=marker, markersize=5, capsize=3, label=name)


def _draw_converged(options: FrontierSettings, entries: Mapping[str, Entry], axes: Any) -> None:
    loss = reading.converged(of_plain(options, entries).values())
    if math.isfinite(loss):
        axes.axhline(loss, color="grey", linewidth=0.8, linestyle=":", label="converged")
