"""The table of a report."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

LevelReport = Any  # what `report` defines, which imports this module

_COLUMNS = (
    "level",
    "mesh",
    "Var g",
    "±",
    "Var diff",
    "corr",
    "cos",
    "bias^2",
    "±",
    "ms/sample",
    "WU",
    "cost",
    "batch",
    "weight",
)
_CAPTION = (
    "Var g: variance of one sample's gradient on the level; Var diff: of its difference from the "
    "next coarser, relative to Var g of level 0; corr: correlation of the two; cos: cosine of the "
    "mean gradients; bias^2: squared distance of the mean gradient from level 0's, relative to the "
    "sampling variance of a single-scale step; cost: at equal variance with levels down to this "
    "one and the best control weights, relative to single-scale; batch, weight: advised batch size "
    "and control weight of the next coarser level."
)


_SHORT = ("level", "mesh", "bias^2", "cost", "batch", "weight")
_SHORT_CAPTION = (
    "bias^2: squared distance of the mean gradient from level 0's, relative to the variance of a "
    "single-scale step; cost: of a telescoping sum down to this level, at equal variance, relative "
    "to single-scale; batch, weight: advised for the sum."
)


def as_table(report: LevelReport, details: bool = True) -> str:
    """The report as a text table, one row per level.

    Args:
        report: The report.
        details: Whether all that was measured is shown, or what one decides by.
    """
    return drawn(*cells(report, details))


def cells(report: LevelReport, details: bool) -> tuple[Sequence[str], list[list[str]], str]:
    """Heads of the columns, a row per level, and what the columns mean; see `as_table`."""
    rows = [_row(report, level) for level in range(report.num_levels)]
    if details:
        return _COLUMNS, rows, _CAPTION
    places = [_COLUMNS.index(name) for name in _SHORT]
    return _SHORT, [[row[place] for place in places] for row in rows], _SHORT_CAPTION


def drawn(columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> str:
    """A text table with a caption below."""
    from rich import box  # imported late: it would slow down `import keras_ms`
    from rich.console import Console
    from rich.table import Table

    width = max(
        60, sum(max(len(row[k]) for row in (columns, *rows)) + 2 for k in range(len(columns)))
    )
    table = Table(box=box.SIMPLE)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console(width=160, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().strip("\n").splitlines()]
    return "\n".join([*lines, *textwrap.wrap(caption, width)])


def _row(report: LevelReport, level: int) -> list[str]:
    whole, error = report.variance[0], report.variance_error[level]
    step = whole / report.batch_size
    advised, weights = report.batch_sizes, report.control_weights
    pair = level < report.num_levels - 1
    return [
        str(level),
        "x".join(str(side) for side in report.mesh_sizes[level]),
        f"{report.variance[level]:.3g}",
        f"{100 * error / report.variance[level]:.0f} %",
        f"{report.difference[level] / whole:.3f}" if pair else "",
        _number(report.correlation[level]) if pair else "",
        _number(report.cosine[level]) if pair else "",
        f"{report.squared_bias[level] / step:.2f}" if level else "",
        f"{report.squared_bias_error[level] / step:.2f}" if level else "",
        f"{1e3 * report.seconds_per_sample[level]:.3g}",
        f"{report.work_units[level]:.3g}",
        f"{report.relative_costs(weighted=True)[level]:.2f}",
        str(advised[level]) if level < len(advised) else "-",
        f"{weights[level]:.2f}" if level < len(weights) else "",
    ]


def _number(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
