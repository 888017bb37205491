"""Theorem 1 for a network: Full-Multiscale (Algorithm 2), against cold starts on every level.

The error is the loss on held-out pictures of the level that is trained. It is noted every few
iterations; fixed is the least that a cold start came to, and a part of it more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .. import images
from ..target import Cell, Given, Key, Row, Rows, Table
from . import wording
from .paper_problem import paper_problem
from .theorem1_convex import STARTS, note_of_order, note_of_starts

COLUMNS = {
    "first_cold": "first error, cold",
    "first_hot": "first error, hot",
    "least_cold": "least error, cold",
    "least_hot": "least error, hot",
    "goal": "fixed error",
    "cold": "iterations, cold",
    "hot": "iterations, hot",
}


class Scale(NamedTuple):
    """The training: as many iterations on every level, an error every so many of them."""

    width: int | None = None
    side: int = 128
    batch_sizes: tuple[int, ...] = (16, 32, 64, 128)
    iterations: int = 2000
    every: int = 25
    learning_rate: float = 5e-4
    samples: int = 512
    excess: float = 0.05
    guess: float = 1000.0


def name_of(data: Mapping[str, Any], what: str, seed: int) -> str:
    """Name of a cell."""
    return f"{data['dataset']}-theorem1/{what}-{seed}"


def cells(key: Key, scale: Scale) -> list[Cell]:
    """The hot-started training, a cold one a level, and what comes of them.

    On the coarsest level there is nothing to start from, so it is trained once.
    """
    levels, (data, seed) = len(scale.batch_sizes), (key["data"], key["seed"])
    options = scale._asdict()
    guess, excess = options.pop("guess"), options.pop("excess")
    cold = [name_of(data, f"cold{level}", seed) for level in range(levels - 1)]
    hot, found = name_of(data, "hot", seed), []
    trainings = {**{name: (level,) for level, name in enumerate(cold)}, hot: tuple(range(levels))}
    for name, on in trainings.items():
        steps = tuple(scale.iterations * (level in on) for level in range(levels))
        seconds = guess * sum(4.0**-level for level in on)
        found.append(Cell(name, trained, {**key, **options, "iterations": steps}, seconds))
    compared = {"every": scale.every, "excess": excess, "hot": hot, "cold": [*cold, None]}
    counts = name_of(data, "iterations", seed)
    return [*found, Cell(counts, counted, {**key, **compared}, 0.1, tuple(trainings))]


def trained(key: Key, given: Given) -> Row:
    """Trains a network on the levels that have iterations, coarse to fine, and notes its error."""
    from ...experiment import building
    from . import stages

    problem = paper_problem(
        key,
        task="denoising",
        image_size=key["side"],
        batch_sizes=tuple(key["batch_sizes"]),
        learning_rate=key["learning_rate"],
    )
    model = building.make_model(problem, problem.learning_rate)
    options = {"coarsening": "degrade_first", "restriction": problem.restriction}
    dataset, held_out = (
        building.make_dataset(problem, images.load(key["data"], split), key["every"], **options)
        for split in ("train", "validation")
    )
    found = stages.watched(model, dataset, held_out, tuple(key["iterations"]), key["samples"])
    return {"errors": {str(level): errors for level, errors in found.items()}}


def counted(key: Key, given: Given) -> Row:
    """Iterations to the fixed error of every level, hot-started and cold."""
    from . import stages

    row: Row = {name: [] for name in COLUMNS}
    for level, name in enumerate(key["cold"]):
        hot = given.rows[key["hot"]]["errors"][str(level)]
        both = {"cold": given.rows[name]["errors"][str(level)] if name else hot, "hot": hot}
        goal = stages.fixed_error(both["cold"], key["excess"])
        row["goal"].append(goal)
        for way, errors in both.items():
            row[f"first_{way}"].append(errors[0])
            row[f"least_{way}"].append(min(errors))
            row[way].append(stages.iterations_until(errors, goal, key["every"]))
    return row


def table(scale: Scale, found: list[Row]) -> Table:
    """A line a level.

    Args:
        scale: Of the training.
        found: What was counted, one row a seed.
    """
    lines = []
    for level in range(len(scale.batch_sizes)):
        cells = [
            (wording.counts_of_seeds if name in STARTS else wording.of_seeds)(
                row[name][level] for row in found
            )
            for name in COLUMNS
        ]
        lines.append((f"{scale.side >> level} px", *cells))
    notes = (
        f"{scale.iterations} iterations on every level, with errors every {scale.every}. The fixed "
        f"error is {100 * scale.excess:g} % above the least of the cold start. The coarsest level "
        "has no other to start from.",
        _work(scale),
        note_of_starts([(row["cold"][0], row["hot"][0]) for row in found], "a network"),
        note_of_order([row["hot"] for row in found]),
    )
    title = "The paper's network, denoising: iterations to a fixed error"
    return Table(title, ("finest mesh", *COLUMNS.values()), lines, notes)


def _work(scale: Scale) -> str:
    """What a hot start has cost before it comes to the finest level."""
    import keras_ms

    levels = keras_ms.Levels(scale.batch_sizes)
    finest, *coarser = (levels.work_units(level) for level in range(levels.num_levels))
    return (
        f"Hot-started, {scale.iterations * sum(coarser):g} work units are spent before the finest "
        f"level, where an iteration takes {finest:g}."
    )


def draw(axes: Any, scale: Scale, data: Mapping[str, Any], seed: int, rows: Rows) -> None:
    """Errors on every level while it is trained."""
    hot = rows[name_of(data, "hot", seed)]["errors"]
    for level, errors in sorted(hot.items()):
        side, colour = scale.side >> int(level), f"C{level}"
        steps = [scale.every * number for number in range(len(errors))]
        axes.plot(steps, errors, color=colour, label=f"{side} px, hot")
        if (cold := rows.get(name_of(data, f"cold{level}", seed))) is not None:
            axes.plot(steps, cold["errors"][level], "--", color=colour, label=f"{side} px, cold")
    axes.set(title="The paper's network, denoising", xlabel="iterations on the level")
    axes.set(ylabel="held-out loss on the level", yscale="log")
