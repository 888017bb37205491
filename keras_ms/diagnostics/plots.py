"""The figure of one report or of several side by side."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ms import safe_files

LevelReport = Any  # what `report` defines, which imports this module


def save_plot(reports: Mapping[str, LevelReport], path: str | os.PathLike[str]) -> Any:
    """Saves the figure of `drawn`, and returns it.

    Args:
        reports: Reports by the name that the legend gives them.
        path: Where the figure goes; the suffix is the format.
    """
    figure = drawn(reports)
    with safe_files.whole(path) as unfinished:
        figure.savefig(unfinished, dpi=DPI)
    return figure


DPI = 120


def drawn(reports: Mapping[str, LevelReport]) -> Any:
    """Variance by level, cost by number of levels and bias by level, one line per report.

    Args:
        reports: Reports by the name that the legend gives them.

    Returns:
        A `matplotlib.figure.Figure` that notebooks show, whether or not pyplot was imported.
    """
    figure = _figure(figsize=(13.5, 4.2), layout="constrained")
    variance, cost, bias = figure.subplots(1, 3)
    for index, (name, report) in enumerate(reports.items()):
        color = f"C{index}"
        _variance(variance, report, name, color)
        _cost(cost, report, name, color)
        _bias(bias, report, name, color)
    _finish(variance, "Variance of one sample's gradient", "level", "relative to $g_0$")
    _finish(cost, "Cost at equal variance", "number of levels", "seconds, relative to single-scale")
    _finish(bias, "Squared bias of the mean gradient", "level", "relative to a step's variance")
    return figure


def _figure(**options: Any) -> Any:
    from matplotlib.figure import Figure  # imported late: it would slow down `import keras_ms`

    class Shown(Figure):
        """A figure that needs no pyplot to be shown."""

        def _repr_png_(self) -> bytes:
            written = io.BytesIO()
            self.savefig(written, format="png")
            return written.getvalue()

    return Shown(**options)


def _variance(axes: Any, report: LevelReport, name: str, color: str) -> None:
    levels, label = range(report.num_levels), f"{name}: " if name else ""
    whole = report.variance[0]
    for values, errors, style, what in (
        (report.variance, report.variance_error, "o--", "$g_l$"),
        (report.difference[:-1], report.difference_error[:-1], "o-", "$g_l - g_{l+1}$"),
    ):
        axes.errorbar(
            levels[: len(values)],
            np.array(values) / whole,
            np.array(errors) / whole,
            fmt=style,
            color=color,
            capsize=3,
            label=f"{label}{what}",
        )
    axes.set_yscale("log")
    axes.set_xticks(levels)


def _cost(axes: Any, report: LevelReport, name: str, color: str) -> None:
    depths = range(1, report.num_levels + 1)
    before = f"{name}, " if name else ""
    for values, style, what in (
        (report.relative_costs(weighted=True), "o-", "control weights"),
        (report.relative_costs(), "o--", "weights of 1"),
        (report.relative_costs("work_units", weighted=True), "o:", "in work units"),
    ):
        axes.plot(depths, values, style, color=color, label=f"{before}{what}")
    axes.axhline(1.0, color="0.6", linewidth=1)
    axes.set_ylim(bottom=0.0)
    axes.set_xticks(depths)


def _bias(axes: Any, report: LevelReport, name: str, color: str) -> None:
    levels = range(1, report.num_levels)
    step = report.variance[0] / report.batch_size
    axes.errorbar(
        levels,
        np.array(report.squared_bias[1:]) / step,
        np.array(report.squared_bias_error[1:]) / step,
        fmt="o-",
        color=color,
        capsize=3,
        label=name or f"batch of {report.batch_size}",
    )
    axes.axhline(1.0, color="0.6", linewidth=1)
    axes.set_xticks(levels)


def _finish(axes: Any, title: str, horizontal: str, vertical: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(horizontal)
    axes.set_ylabel(vertical)
    axes.legend(fontsize="small")
