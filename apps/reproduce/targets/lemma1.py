"""Lemma 1: the residual `g_h - g_2h` of equation (9) vanishes with h, for smooth signals.

Measured for the paper's network, trained for a while, mesh by mesh: of single samples, and of means
over all samples, from which sampling noise is removed. The moments are those of
`keras_ms.diagnose`. The power of h is fitted to all differences, and to the two finest ones, as
the lemma is about small h.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Sequence
from typing import Any

from ..analysis import wording
from ..analysis.power_law import PowerLaw, of_seeds, power_law
from ..analysis.signals import (
    AVERAGED,
    COARSENINGS,
    OF_AUTHORS,
    SCALES,
    SIGNALS,
    cell_of,
    name_of,
)
from ..target import Asked, Cell, Costs, Row, Rows, Table, Target

NAMES = {"lemma1": "Lemma1"}

WHAT = {"sample": "of one sample, root mean square", "mean": "of the mean over all samples"}
BARS = ("sample", "sample_error")


class Lemma1(Target):
    """Lemma 1."""

    title = "Lemma 1"
    makes = "|g_h - g_2h| against h for a trained network, and the power of h that it goes with"
    paper_data = "stl10"
    costs = Costs(quick="3 minutes", paper="hours on two cores")

    def cells(self, asked: Asked) -> list[Cell]:
        """A network and its residuals, for every signal and seed."""
        each = itertools.product(SIGNALS, asked.seeds)
        return [cell_of(asked, signal, seed) for signal, seed in each]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """One of single samples, one of means: a line a signal and coarsening, a column a mesh."""
        return [_table(what, asked, rows) for what in WHAT]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """A panel a signal; residuals of single samples and their standard errors, first seed."""
        from ...experiment import plots

        size = (4.5 * len(SIGNALS), 4.0)
        figure, (line,) = plots.panels(1, len(SIGNALS), size, sharey=True)
        for signal, axes in zip(SIGNALS, line, strict=True):
            for name in COARSENINGS:
                row = rows[name_of(asked, signal, asked.seeds[0])][name]
                values, errors = ([value or 0.0 for value in row[of]] for of in BARS)
                axes.errorbar(_widths(values), values, errors, marker=".", label=name)
            axes.set(title=SIGNALS[signal].label, xlabel="h, finest mesh = 1")
            axes.set(xscale="log", yscale="log")
            plots.in_decades(axes.yaxis)
            axes.set_xticks(_widths(values), [f"{width:g}" for width in _widths(values)])
            axes.minorticks_off()
            axes.grid(alpha=0.3)
        line[0].set_ylabel("|g_h - g_2h|, one sample, root mean square")
        line[0].legend()
        plots.save(figure, path)


def _widths(values: Sequence[Any]) -> list[float]:
    return [2.0**level for level in range(len(values))]


def law_of(residuals: Sequence[float | None]) -> PowerLaw:
    """The power of h that residuals go with; those of which noise leaves nothing are left out."""
    return power_law(_widths(residuals), [value or 0.0 for value in residuals])


def _table(what: str, asked: Asked, rows: Rows) -> Table:
    scale = SCALES[asked.scale]
    sides = [scale.side >> level for level in range(scale.levels)]
    pairs = [f"{fine} to {coarse} px" for fine, coarse in itertools.pairwise(sides)]
    lines = []
    for signal, name in itertools.product(SIGNALS, COARSENINGS):
        found = [rows[name_of(asked, signal, seed)][name] for seed in asked.seeds]
        by_pair = zip(*(_relative(row, what) for row in found), strict=True)
        slopes = [of_seeds([law_of(row[what][:most]) for row in found]) for most in (None, 2)]
        lines.append((SIGNALS[signal].label, name, *map(wording.of_seeds, by_pair), *slopes))
    columns = ("signal", "coarsening", *pairs, "power of h", "on the finest")
    notes = (*_notes(what, asked, rows), "Divided by |g| of one sample on the finest mesh.")
    return Table(f"|g_h - g_2h| {WHAT[what]}", columns, lines, notes)


def _relative(row: Row, what: str) -> list[float | None]:
    """Residuals as parts of the gradient of one sample on the finest mesh."""
    return [value / row["norm"][0] if value else None for value in row[what]]


def _notes(what: str, asked: Asked, rows: Rows) -> tuple[str, ...]:
    if what != "sample":
        return ()
    smooth, noisy, averaged = (
        [law_of(rows[name_of(asked, signal, seed)][name][what]) for seed in asked.seeds]
        for signal, name in (("smooth", OF_AUTHORS), ("noisy", OF_AUTHORS), ("noisy", AVERAGED))
    )
    return (
        wording.holds(
            "of smooth signals the residual vanishes with h, as h or faster (two standard errors)",
            f"as h to the power {of_seeds(smooth)}",
            all(law.as_width_or_faster for law in smooth),
        ),
        wording.holds(
            "of noisy signals, which the lemma says nothing of, it vanishes as well if every "
            "second pixel is kept, which leaves the noise what it is",
            f"as h to the power {of_seeds(noisy)}",
            min(law.slope for law in noisy) > 0.5,
        ),
        wording.holds(
            "of noisy signals it does not vanish if averages take noise away",
            f"as h to the power {of_seeds(averaged)}",
            max(law.slope for law in averaged) <= 0.0,
        ),
    )
