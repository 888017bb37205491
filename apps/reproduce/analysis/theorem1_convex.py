"""Theorem 1 as it is stated: on the least squares problem of Example 1, with steps `1/k`.

Equations (17) to (19). The error is `|theta - theta*|`, and all meshes have the same tolerance.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import images
from ..target import Cell, Given, Key, Row, Table
from . import wording
from .power_law import PowerLaw, power_law

SIGNALS = {"smooth": ("smoothed lines of pictures", 4.0), "lines": ("lines of pictures", 0.0)}
"""In words, and the standard deviation in points of the Gaussian that smooths them."""
WAYS = {"all": "all signals a step", "drawn": "some signals a step"}
STARTS = {"cold": "--", "hot": "-"}


class Scale(NamedTuple):
    """The problem; the tolerance is a part of the length of the finest solution."""

    points: int = 256
    coarsest: int = 16
    lines: int = 2000
    deviation: float = 0.5
    tolerance: float = 0.005
    batch: int = 256


def cells(key: Key, scale: Scale) -> list[Cell]:
    """The descents of a seed, a cell a kind of signals."""
    return [
        Cell(
            name_of(key["data"], signal, key["seed"]),
            descended,
            {**key, "smoothing": smoothing, **scale._asdict()},
            5.0,
        )
        for signal, (_, smoothing) in SIGNALS.items()
    ]


def name_of(data: Mapping[str, Any], signal: str, seed: int) -> str:
    """Name of a cell."""
    return f"{data['dataset']}-theorem1/convex-{signal}-{seed}"


def descended(key: Key, given: Given) -> Row:
    """Iterations of descents on every mesh, finest first."""
    import numpy as np
    from scipy import ndimage

    from . import example1, hot_start

    found = images.load(key["data"], "train")
    points, seed = example1.longest(found, key["points"]), key["seed"]
    clean = example1.lines(found, points, key["lines"], seed)
    if key["smoothing"]:
        clean = ndimage.gaussian_filter1d(clean, key["smoothing"], axis=1)
    problems = hot_start.problems(clean, key["deviation"], key["coarsest"], seed)
    solutions = [hot_start.solution(problem) for problem in problems]
    tolerance = key["tolerance"] * float(np.linalg.norm(solutions[0]))
    row: Row = {
        "points": [points >> level for level in range(len(problems))],
        "tolerance": tolerance,
        "length": [float(np.linalg.norm(one)) for one in solutions],
        "distance": [float(np.linalg.norm(a - b)) for a, b in itertools.pairwise(solutions)],
    }
    for way, batch in (("all", None), ("drawn", key["batch"])):
        by_level = hot_start.by_level(problems, tolerance, batch, seed)
        row[way] = {
            "cold": [cold.iterations for cold, _ in by_level],
            "hot": [hot.iterations for _, hot in by_level],
        }
    return row


def table(signal: str, found: list[Row]) -> Table:
    """A line a mesh.

    Args:
        signal: One of `SIGNALS`.
        found: One row a seed.
    """
    columns = ["points", "|theta*_h - theta*_2h|"]
    columns += [f"{start}, {told}" for told in WAYS.values() for start in STARTS]
    lines = []
    for level, points in enumerate(found[0]["points"]):
        distance = wording.of_seeds(_at(row["distance"], level) for row in found)
        counts = [
            wording.counts_of_seeds(row[way][start][level] for row in found)
            for way, start in itertools.product(WAYS, STARTS)
        ]
        lines.append((str(points), distance, *counts))
    tolerance = wording.of_seeds(row["tolerance"] for row in found)
    title = (
        f"Least squares (Example 1), {SIGNALS[signal][0]}: iterations until |theta - theta*| is "
        f"{tolerance}"
    )
    return Table(title, columns, lines, _notes(found))


def _at(values: list[float], index: int) -> float | None:
    return values[index] if index < len(values) else None


def law_of_solutions(row: Row) -> PowerLaw:
    """The power of h that the distance of neighbouring solutions goes with."""
    distances = row["distance"]
    return power_law([2.0**level for level in range(len(distances))], distances)


def _notes(found: list[Row]) -> tuple[str, ...]:
    laws = [law_of_solutions(row) for row in found]
    counts = [row["all"]["hot"][:-1] for row in found]
    return (
        wording.holds(
            "solutions of neighbouring meshes come together as h or faster (two standard errors)",
            f"as h to the power {', '.join(map(str, laws))}",
            all(law.as_width_or_faster for law in laws),
        ),
        note_of_order(counts),
        *(
            note_of_starts([(row[way]["cold"][0], row[way]["hot"][0]) for row in found], told)
            for way, told in WAYS.items()
        ),
    )


def note_of_order(counts: list[list[int | None]]) -> str:
    """Whether finer meshes take fewer iterations than coarser ones, hot-started; one a seed."""
    return wording.holds(
        "hot-started, a finer mesh takes no more iterations than a coarser one",
        "; ".join(", ".join(map(str, one)) for one in counts) + ", finest first",
        all(one == sorted(one, key=or_endless) for one in counts),
    )


def note_of_starts(pairs: list[tuple[int | None, int | None]], told: str) -> str:
    """Whether the finest mesh takes fewer iterations hot-started; `(cold, hot)`, one a seed."""
    return wording.holds(
        f"the finest mesh takes fewer iterations hot-started, {told}",
        "; ".join(f"{hot} for {cold}" for cold, hot in pairs),
        all(or_endless(hot) < or_endless(cold) for cold, hot in pairs),
    )


def or_endless(iterations: int | None) -> float:
    """Iterations as a number; endless if the error was never reached."""
    return math.inf if iterations is None else iterations


def draw(axes: Any, signal: str, row: Row) -> None:
    """Iterations by mesh; none are not shown, as there is no logarithm."""
    widths = [row["points"][0] / points for points in row["points"]]
    for (number, (way, told)), (start, style) in itertools.product(
        enumerate(WAYS.items()), STARTS.items()
    ):
        counts = [count or math.nan for count in row[way][start]]
        label, colour = f"{start}, {told}", f"C{number}"
        axes.plot(widths, counts, style, marker="o", color=colour, label=label)
    axes.set(
        title=f"Example 1, {SIGNALS[signal][0]}", xlabel="h, finest mesh = 1", ylabel="iterations"
    )
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(widths, [f"{width:g}" for width in widths])
