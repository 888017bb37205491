"""What multilevel sums cost, by task, network, size and coarsening; a table of ours.

Every network trains for some plain Adam steps and is then diagnosed at every size with every
coarsening.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import images, weights
from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target

if TYPE_CHECKING:
    from ...experiment.problem import Problem

NAMES = {"variances": "Variances"}

COARSEST_SIDE = 16
MOST_LEVELS = 4
COARSENINGS = {
    "degrade, then stride": ("degrade_first", "stride"),
    "degrade, then average": ("degrade_first", "average"),
    "task-consistent": ("task", "average"),
}
RATES = {("deblurring", "resnet"): 5e-4}  # of the paper; others have the preset's
MEASURED = ("difference", "cosine", "cost", "weighted")


class Scale(NamedTuple):
    """What is diagnosed; seconds of a training and of a diagnosis are guesses, for the progress."""

    problems: tuple[tuple[str, str], ...] = (
        ("denoising", "resnet"),
        ("denoising", "unet"),
        ("deblurring", "resnet"),
    )
    sizes: tuple[int, ...] = (64, 128, 256)
    image_size: int = 128
    steps: int = 600
    train_batch: int = 4
    samples: int = 64
    seconds: tuple[float, float] = (60.0, 12.0)


SCALES = {
    "paper": Scale(),
    "quick": Scale(sizes=(64, 128), steps=150, samples=32, seconds=(25.0, 8.0)),
    "tiny": Scale((("denoising", "espcn"),), (32,), 32, 2, 2, 8),
}


def trained(key: Key, given: Given) -> Row:
    """Trains a network plainly on the finest level, and saves its weights."""
    from ...experiment import building, precision

    row = _problem(key)
    precision.set_policy(row)
    model = building.make_model(row, row.learning_rate)
    found = images.load(key["data"], "train")
    dataset = building.make_dataset(row, found, key["steps"], levels=(key["train_batch"],))
    model.fit(dataset, verbose=0)
    return weights.save(model, given)


def diagnosed(key: Key, given: Given) -> Row:
    """Diagnoses a trained network at one size with one coarsening."""
    import dataclasses

    import keras_ms

    from ...experiment import building, precision

    row, (before,) = _problem(key), given.rows.values()
    precision.set_policy(row)
    model = building.make_model(row, row.learning_rate)
    weights.load(model, before, given.path)
    coarsening, restriction = COARSENINGS[key["coarsening"]]
    dataset = building.make_dataset(
        dataclasses.replace(row, image_size=key["size"]),
        images.load(key["data"], "train"),
        levels=hierarchy(key["size"]),
        coarsening=coarsening,
        restriction=restriction,
    )
    report = keras_ms.diagnose(model, dataset, key["samples"], seconds=600.0)
    return {
        "difference": [value / report.variance[0] for value in report.difference[:-1]],
        "cosine": [value for value in report.cosine[:1] if value is not None],
        "cost": list(report.relative_costs("work_units")),
        "weighted": [min(report.relative_costs("work_units", True))],
    }


def _problem(key: Key) -> Problem:
    """Networks as wide as the preset quick has them; noise and network else are the paper's."""
    from ...experiment import presets
    from ...experiment.problem import Problem

    names = ("task", "network", "seed", "image_size", "learning_rate")
    given = {name: key[name] for name in names if key[name] is not None}
    return Problem(**{**presets.PRESETS["quick"].get(key["network"], {}), **key["data"], **given})


def hierarchy(size: int) -> tuple[int, ...]:
    """Batch sizes, which do not matter here, for as many levels as a size bears."""
    levels = min(MOST_LEVELS, (size // COARSEST_SIDE).bit_length())
    return tuple(2**level for level in range(1, levels + 1))


class Variances(Target):
    """The table of variances: means and standard deviations over the seeds."""

    title = "Variances of the levels (ours)"
    makes = "what telescoping sums cost at equal variance, by task, network, size and coarsening"
    paper_data = "photos"
    costs = Costs(quick="4 minutes", paper="20 minutes on two cores")

    def cells(self, asked: Asked) -> list[Cell]:
        """A training, and its diagnoses, for every task, network and seed."""
        scale = SCALES[asked.scale]
        return [
            cell
            for problem, seed in itertools.product(scale.problems, asked.seeds)
            for cell in _cells_of(asked, scale, problem, seed)
        ]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """One line a task, network, size and coarsening."""
        columns = ["task, network, crop", "coarsening", "dV by level", "cos", "cost by levels"]
        lines = []
        for problem, size, name in _lines(asked):
            found = [rows[_name(problem, seed, size, name)] for seed in asked.seeds]
            difference, cosine, cost, weighted = ([row[m] for row in found] for m in MEASURED)
            crop = f"{', '.join(problem)}, {size} px"
            cells = (_spread(difference), _spread(cosine), _spread(cost, best=True))
            lines.append((crop, name, *cells, _spread(weighted)))
        notes = (
            "dV: variance of `g_l - g_(l+1)` over that of `g_0`; cos: of the mean gradients of "
            "levels 0 and 1; cost: at equal variance, of 1, 2, ... levels, relative to plain "
            "training; weighted: the least with control weights.",
        )
        return [Table("", [*columns, "weighted"], lines, notes)]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """The least cost of every line; a dot a seed."""
        from ...experiment import plots

        lines = list(_lines(asked))
        figure, ((axes,),) = plots.panels(1, 1, (8.0, 1.0 + 0.25 * len(lines)))
        for height, (problem, size, name) in enumerate(reversed(lines)):
            found = [min(rows[_name(problem, s, size, name)]["cost"]) for s in asked.seeds]
            axes.plot(found, [height] * len(found), "o", alpha=0.6, color="tab:blue")
        labels = [f"{', '.join(problem)}, {size} px, {name}" for problem, size, name in lines]
        axes.set_yticks(range(len(lines)), labels[::-1])
        axes.axvline(1.0, color="grey", linewidth=0.8)
        axes.set(xlabel="least cost at equal variance, relative to plain training")
        plots.save(figure, path)


def _cells_of(asked: Asked, scale: Scale, problem: tuple[str, str], seed: int) -> Iterator[Cell]:
    names = ("image_size", "steps", "train_batch")
    common: dict[str, Any] = {"data": asked.data, "seed": seed}
    common |= {name: getattr(scale, name) for name in names}
    common |= dict(zip(("task", "network"), problem, strict=True))
    common["learning_rate"] = RATES.get(problem)
    network = _name(problem, seed)
    yield Cell(network, trained, common, scale.seconds[0])
    for size, name in itertools.product(scale.sizes, COARSENINGS):
        key = {**common, "size": size, "coarsening": name, "samples": scale.samples}
        yield Cell(_name(problem, seed, size, name), diagnosed, key, scale.seconds[1], (network,))


def _lines(asked: Asked) -> Iterator[tuple[tuple[str, str], int, str]]:
    scale = SCALES[asked.scale]
    return itertools.product(scale.problems, scale.sizes, COARSENINGS)


def _name(problem: tuple[str, str], seed: int, size: int = 0, coarsening: str = "trained") -> str:
    short = coarsening.replace(", then ", "_").replace("-", "_")
    of_size = f"-{size}" if size else ""
    return f"variances/{'-'.join(problem)}{of_size}-{short}-{seed}"


def _spread(values: Sequence[Sequence[float]], best: bool = False) -> str:
    """Means over the seeds, ± standard deviations; the least one bold if it is to stand out."""
    import numpy as np

    known = [value for value in values if value]
    if not known:
        return "?"
    means = np.mean(known, axis=0)
    cells = [f"{mean:.2f}" for mean in means]
    if len(known) > 1:
        deviations = np.std(known, axis=0, ddof=1)
        cells = [f"{cell} ± {d:.2f}" for cell, d in zip(cells, deviations, strict=True)]
    if best:
        cells[0] = "1"
        least = int(np.argmin(means))
        cells[least] = f"**{cells[least]}**"
    return ", ".join(cells)
