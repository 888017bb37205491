"""Table 1: the loss over 512 images, on the finest mesh alone and as a telescoping sum.

The sum is equation (6) of losses. With L levels the finest mesh has 16 of the images, each
coarser one twice as many, the coarsest what is left: 512, 528, 560, 624, 752 evaluations. Meshes
are added on the fine side, as in the paper: the coarsest is always the same.

Both sides take turns on the same machine, warmed up, through the same traced function, each in
passes as large as serve it best: of 16, 4 or 1 fine images' pixels at most. Batches are in memory
before. The paper has times of the loss alone; its gradient, which training needs, is measured the
same way.
"""

from __future__ import annotations

import functools
import itertools
import math
import pathlib
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import images
from ..analysis import wording
from ..analysis.paper_problem import paper_problem
from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target

if TYPE_CHECKING:
    from ..analysis.passes import Pass

NAMES = {"table1": "Table1"}

# Seconds on 48 cores, by number of levels: on the finest mesh alone, and as a telescoping sum.
PAPER = {
    1: (234.50, 234.50),
    2: (338.94, 245.09),
    3: (489.47, 274.24),
    4: (769.02, 345.98),
    5: (1709.06, 527.58),
}
WANTED = 0.9
LOSS, GRADIENT = "loss", "gradient"


class Scale(NamedTuple):
    """What is evaluated: images, how many of them on the finest mesh, its side, by which network.

    `timings` says how often each side is timed, by what is evaluated; a timing is of as many
    evaluations as take `seconds` or more.
    """

    width: int | None = None
    side: int = 128
    levels: int = 5
    images: int = 512
    finest: int = 16
    timings: tuple[tuple[str, int], ...] = ((LOSS, 3), (GRADIENT, 3))
    seconds: float = 1.0
    guess: tuple[float, float] = (100.0, 200.0)


SCALES = {
    "paper": Scale(),
    "quick": Scale(width=32, seconds=0.5),
    "tiny": Scale(4, 32, 2, 16, 2, ((LOSS, 1),), 0.0),
}


def batch_sizes(levels: int, samples: int, finest: int) -> tuple[int, ...]:
    """Images of every level, finest first: twice as many on each coarser one, then the rest."""
    finer = [finest << level for level in range(levels - 1)]
    return (*finer, samples - sum(finer))


def measured(key: Key, given: Given) -> Row:
    """Times the loss, or its gradient, on the finest mesh alone and as a telescoping sum."""
    import keras_ms

    from ...experiment import timing
    from ..analysis import passes

    function, sides = _sides(key)
    steps = {n: functools.partial(passes.total, function, found) for n, found in sides.items()}
    values = {name: step() for name, step in steps.items()} if key["what"] == LOSS else {}
    timed = timing.interleaved(steps, key["rounds"], key["seconds"])
    levels = keras_ms.Levels(tuple(key["batch_sizes"]))
    return {
        "seconds": {name: found.median for name, found in timed.items()},
        "ratio": timing.ratio(timed["single"], timed["several"]),
        "evaluations": {name: passes.evaluations(found) for name, found in sides.items()},
        "passes": {name: len(found) for name, found in sides.items()},
        "work_units": {
            "single": levels.single_scale_work_units(),
            "several": levels.work_units(),
        },
        "loss": {name: float(value) for name, value in values.items()},
    }


def _sides(key: Key) -> tuple[Callable[..., Any], dict[str, list[Pass]]]:
    """What is evaluated, and of which passes: those of the finest mesh alone, and of the sum."""
    from ...experiment import building
    from ..analysis import passes

    sizes = tuple(key["batch_sizes"])
    problem = paper_problem(key, task="denoising", image_size=key["side"], batch_sizes=sizes)
    model = building.make_model(problem, problem.learning_rate)
    options: Any = {"coarsening": "degrade_first", "restriction": problem.restriction}
    found = images.load(key["data"], "train")
    dataset = building.make_dataset(problem, found, **options)
    of_gradient = key["what"] == GRADIENT
    make: Any = passes.gradient_function if of_gradient else passes.loss_function
    function = make(model, dataset)
    alone = next(iter(dataset.stage(0, batch_sizes=(sum(sizes),)))).fine[0]
    several = next(iter(dataset.stage(0, batch_sizes=sizes)))
    return function, {
        "single": _fastest(function, [passes.plain(alone, most) for most in key["pixels"]]),
        "several": _fastest(function, [passes.telescoped(several, most) for most in key["pixels"]]),
    }


def _fastest(function: Callable[..., Any], ways: list[list[Pass]]) -> list[Pass]:
    """The fastest of several ways to cut the same samples into passes."""
    import time

    from ..analysis import passes

    def seconds(found: list[Pass]) -> float:
        begin = time.perf_counter()
        passes.total(function, found)
        return time.perf_counter() - begin

    seconds(ways[0])  # traces, and warms up
    return min(ways, key=seconds)


def efficiency(row: Row) -> float:
    """What was gained, as a part of what work units promise."""
    return row["ratio"] / promised(row)


def promised(row: Row) -> float:
    """How many times more work units the finest mesh alone takes."""
    return row["work_units"]["single"] / row["work_units"]["several"]


class Table1(Target):
    """Table 1, and the same of gradients."""

    title = "Table 1"
    makes = "seconds of the loss over 512 images by number of levels, and its efficiency"
    paper_data = "stl10"
    costs = Costs(quick="4 minutes", paper="an hour on two cores")

    def cells(self, asked: Asked) -> list[Cell]:
        """One for the loss and one for its gradient, a number of levels and a seed."""
        scale = SCALES[asked.scale]
        return [
            _cell(asked, scale, timing, levels, seed)
            for timing, levels, seed in itertools.product(
                scale.timings, range(1, scale.levels + 1), asked.seeds
            )
        ]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """One for the loss, one for its gradient."""
        scale = SCALES[asked.scale]
        return [_table(what, scale, _of_levels(what, asked, rows)) for what, _ in scale.timings]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """Seconds by number of levels, and how many times fewer the telescoping sum takes."""
        from ...experiment import plots

        figure, ((seconds, ratios),) = plots.panels(1, 2, (10.0, 4.0))
        whats = [what for what, _ in SCALES[asked.scale].timings]
        for what in whats:
            _draw_measured(seconds, ratios, what, _of_levels(what, asked, rows))
        _draw_expected(ratios, _of_levels(whats[0], asked, rows))
        seconds.set(xlabel="levels", ylabel="seconds", yscale="log")
        ratios.set(xlabel="levels", ylabel="times faster", yscale="log")
        for axes in (seconds, ratios):
            axes.set_xticks(range(1, SCALES[asked.scale].levels + 1))
            plots.in_decades(axes.yaxis)
            axes.grid(alpha=0.3)
            axes.legend()
        plots.save(figure, path)


def _draw_measured(seconds: Any, ratios: Any, what: str, found: dict[int, list[Row]]) -> None:
    for side, label in (("single", "finest mesh alone"), ("several", "telescoping sum")):
        values = [_mean(row["seconds"][side] for row in of) for of in found.values()]
        seconds.plot(list(found), values, marker="o", label=f"{what}, {label}")
    values = [_mean(row["ratio"] for row in of) for of in found.values()]
    ratios.plot(list(found), values, marker="o", label=what)


def _draw_expected(ratios: Any, found: dict[int, list[Row]]) -> None:
    """What work units promise, and what the paper has measured."""
    values = [promised(of_seeds[0]) for of_seeds in found.values()]
    ratios.plot(list(found), values, "k--", label="promised")
    of_paper = {n: alone / several for n, (alone, several) in PAPER.items() if n in found}
    ratios.plot(list(of_paper), list(of_paper.values()), "k:", marker="s", label="paper")


def _cell(asked: Asked, scale: Scale, timing: tuple[str, int], levels: int, seed: int) -> Cell:
    """Meshes are added on the fine side, so the finest of fewer levels is coarser."""
    (what, rounds), coarser = timing, scale.levels - levels
    key = {
        "data": asked.data,
        "what": what,
        "seed": seed,
        "width": scale.width,
        "side": scale.side >> coarser,
        "batch_sizes": batch_sizes(levels, scale.images, scale.finest),
        "pixels": [scale.finest * scale.side**2 // by for by in (1, 4, 16)],
        "rounds": rounds,
        "seconds": scale.seconds,
    }
    guess = scale.guess[what == GRADIENT] / 4.0**coarser + 10.0
    return Cell(_name(asked, what, levels, seed), measured, key, guess)


def _name(asked: Asked, what: str, levels: int, seed: int) -> str:
    return f"{asked.dataset}-table1/{what}-{levels}-{seed}"


def _of_levels(what: str, asked: Asked, rows: Rows) -> dict[int, list[Row]]:
    """What was measured by number of levels, one row a seed."""
    levels = range(1, SCALES[asked.scale].levels + 1)
    return {n: [rows[_name(asked, what, n, seed)] for seed in asked.seeds] for n in levels}


def _table(what: str, scale: Scale, found: dict[int, list[Row]]) -> Table:
    columns = (
        "levels",
        "finest mesh",
        "evaluations",
        "WU alone",
        "WU of the sum",
        "seconds alone",
        "of the sum",
        "ratio",
        "promised",
        "efficiency",
        "paper: ratio",
        "paper: efficiency",
    )
    lines = [_line(scale, levels, of_seeds) for levels, of_seeds in found.items()]
    of = "loss" if what == LOSS else "gradient of the loss"
    return Table(f"The {of} over {scale.images} images", columns, lines, _notes(what, found))


def _line(scale: Scale, levels: int, found: list[Row]) -> tuple[str, ...]:
    first, side = found[0], scale.side >> (scale.levels - levels)
    alone, several = PAPER.get(levels, (math.nan, math.nan))
    return (
        str(levels),
        f"{side} px",
        str(first["evaluations"]["several"]),
        f"{first['work_units']['single']:g}",
        f"{first['work_units']['several']:.4g}",
        *(wording.of_seeds(row["seconds"][of] for row in found) for of in ("single", "several")),
        wording.of_seeds(row["ratio"] for row in found),
        f"{promised(first):.3g}",
        wording.of_seeds((efficiency(row) for row in found), 2),
        wording.of_seeds([alone / several]),
        wording.of_seeds([alone / several / promised(first)], 2),
    )


def _notes(what: str, found: dict[int, list[Row]]) -> tuple[str, ...]:
    most = max(found)
    values = [efficiency(row) for row in found[most]]
    note = wording.holds(
        f"an efficiency of at least {WANTED} with {most} levels",
        wording.of_seeds(values, 2),
        _mean(values) >= WANTED,
    )
    if what != LOSS:
        return (note,)
    losses = ", ".join(
        f"{levels}: {row['loss']['single']:.4f} and {row['loss']['several']:.4f}"
        for levels, (row, *_) in found.items()
    )
    return (note, f"Losses, alone and as a sum, by levels (the untrained network): {losses}.")


def _mean(values: Any) -> float:
    return statistics.fmean(values)
