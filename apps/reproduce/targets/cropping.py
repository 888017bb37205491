"""Appendix B.2: what a telescoping sum over crops may be off by, and one over coarsened pictures.

Equations (28) to (37): bounds, and the residuals of a trained network summed over levels. The
networks are those of `lemma1`.
"""

from __future__ import annotations

import itertools
import pathlib
from typing import TYPE_CHECKING

from ..analysis import wording
from ..analysis.signals import BOTH, CROPS, OF_AUTHORS, SCALES, SIGNALS, cell_of, name_of
from ..target import Asked, Cell, Costs, Row, Rows, Table, Target

if TYPE_CHECKING:
    import numpy as np

NAMES = {"cropping": "Cropping"}

SHOWN = ("smooth", "noisy")
HALF, AS_MUCH = 0.55, 0.9  # what counts so
WAYS = {"cropping": CROPS, "coarsening": OF_AUTHORS, "both in turn": BOTH}


class Cropping(Target):
    """Appendix B.2."""

    title = "Cropping, appendix B.2"
    makes = "the error of telescoping sums over crops and over coarsened pictures, by levels"
    paper_data = "stl10"
    costs = Costs(
        quick="3 minutes, none after lemma1", paper="hours on two cores, none after lemma1"
    )

    def cells(self, asked: Asked) -> list[Cell]:
        """A network and its residuals, which `lemma1` shares, for every signal and seed."""
        each = itertools.product(SHOWN, asked.seeds)
        return [cell_of(asked, signal, seed) for signal, seed in each]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """One a signal: a line a way, measured and bound, a column a number of levels."""
        return [_table(signal, asked, _of_seeds(signal, asked, rows)) for signal in SHOWN]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """A panel a signal: errors by number of levels, and the bounds, first seed."""
        from ...experiment import plots

        figure, (line,) = plots.panels(1, len(SHOWN), (5.0 * len(SHOWN), 4.0))
        for signal, axes in zip(SHOWN, line, strict=True):
            first = _of_seeds(signal, asked, rows)[0]
            for number, name in enumerate(WAYS):
                found, colour = errors_of(first, name), f"C{number}"
                levels = range(2, 2 + len(found))
                axes.plot(levels, found, marker="o", color=colour, label=name)
                if (bound := bound_of(first, name)) is not None:
                    axes.plot(levels, bound, "--", color=colour, label=f"{name}, bound")
            axes.set(title=SIGNALS[signal].label, xlabel="levels")
            axes.set_xticks(list(levels))
            axes.grid(alpha=0.3)
            axes.legend()
        line[0].set_ylabel("sum of |g_l - g_(l+1)| / |g_0|, one sample")
        plots.save(figure, path)


def _of_seeds(signal: str, asked: Asked, rows: Rows) -> list[Row]:
    return [rows[name_of(asked, signal, seed)] for seed in asked.seeds]


def errors_of(row: Row, way: str) -> np.ndarray:
    """Errors of sums of 2, 3, ... levels, as parts of the gradient on the finest of all meshes."""
    from ..analysis import telescoping_error

    return telescoping_error.errors(row[WAYS[way]]["sample"]) / row[WAYS[way]]["norm"][0]


def bound_of(row: Row, way: str) -> np.ndarray | None:
    """Bounds of the errors, likewise; of both in turn the paper has none."""
    from ..analysis import telescoping_error

    found = row[WAYS[way]]
    if way == "cropping":
        return telescoping_error.cropping_bound(found["norm"]) / found["norm"][0]
    if way == "coarsening":
        return telescoping_error.coarsening_bound(found["sample"]) / found["norm"][0]
    return None


def _table(signal: str, asked: Asked, found: list[Row]) -> Table:
    scale = SCALES[asked.scale]
    counts = range(2, scale.levels + 1)
    columns = ("way", *(f"{count} levels" for count in counts))
    lines: list[tuple[str, ...]] = []
    for way in WAYS:
        errors = zip(*(errors_of(row, way) for row in found), strict=True)
        lines.append((f"{way}, measured", *map(wording.of_seeds, errors)))
        bounds = [bound for row in found if (bound := bound_of(row, way)) is not None]
        if bounds:
            by_count = zip(*bounds, strict=True)
            lines.append((f"{way}, bound", *map(wording.of_seeds, by_count)))
    return Table(SIGNALS[signal].label, columns, lines, _notes(found))


def _notes(found: list[Row]) -> tuple[str, ...]:
    crops = [_of_last_level(row, "cropping") for row in found]
    coarse = [_of_last_level(row, "coarsening") for row in found]
    within = all(map(_is_within, found))
    return (
        wording.holds(
            "the error of crops is within (1 - m/M) 2 |g| a level",
            "within" if within else "beyond",
            within,
        ),
        wording.holds(
            "a finer level adds half as much to the error of coarsening as one before, or less",
            f"{wording.of_seeds(coarse, 2)} of it",
            max(coarse) <= HALF,
        ),
        wording.holds(
            "a finer level adds as much to the error of crops as one before",
            f"{wording.of_seeds(crops, 2)} of it",
            min(crops) >= AS_MUCH,
        ),
        "The bound of coarsening holds by construction: Lemma 1 leaves its constant open, which "
        "is the largest measured here.",
    )


def _is_within(row: Row) -> bool:
    bound = bound_of(row, "cropping")
    return bound is not None and bool((errors_of(row, "cropping") <= bound).all())


def _of_last_level(row: Row, way: str) -> float:
    """What the finest level adds to the error, as a part of what the one before adds."""
    finest, before, *_ = row[WAYS[way]]["sample"]
    return finest / before
