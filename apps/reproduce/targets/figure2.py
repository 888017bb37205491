"""Figure 2: how gradients differ between neighbouring meshes, by noise, for Example 1.

Equations (14) to (16), in one dimension, on lines of pixels of every image set that is at hand.
"""

from __future__ import annotations

import itertools
import pathlib
from typing import Any, NamedTuple

from .. import images
from ..analysis import wording
from ..analysis.power_law import PowerLaw, of_seeds, power_law
from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target

NAMES = {"figure2": "Figure2"}


class Scale(NamedTuple):
    """How many lines and how long, and which noise; values of pixels are in [-1, 1]."""

    points: int = 256
    coarsest: int = 8
    lines: int = 4000
    kernels: int = 32
    noises: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.5)
    pictures: int = 1000


SCALES = {
    "paper": Scale(),
    "quick": Scale(lines=2000, kernels=16, pictures=200),
    "tiny": Scale(64, 16, 40, 4, (0.0, 0.2), 2),
}


def measured(key: Key, given: Given) -> Row:
    """Differences of gradients by mesh, for every noise."""
    import numpy as np

    from ..analysis import example1

    found = images.load(key["data"], "train", key["pictures"])
    points = example1.longest(found, key["points"])
    clean = example1.lines(found, points, key["lines"], key["seed"])
    weights = np.random.default_rng(key["seed"]).normal(size=(key["kernels"], example1.WEIGHTS))
    by_noise = {}
    for number, noise in enumerate(key["noises"]):
        seed = 1000 * key["seed"] + number
        one = example1.differences(clean, noise, weights, key["coarsest"], seed)
        by_noise[f"{noise:g}"] = {
            "mean": {str(n): float(value) for n, value in zip(one.points, one.mean, strict=True)},
            "error": {str(n): float(value) for n, value in zip(one.points, one.error, strict=True)},
        }
    return {"noise": by_noise}


def at_hand(asked: Asked) -> dict[str, dict[str, Any]]:
    """The image sets that are there, by name: the one asked for first."""
    prepared = asked.data_dir if asked.dataset in images.FILES else None
    found = {str(asked.dataset): asked.data}
    for name in ("photos", *images.FILES):
        other = asked._replace(dataset=name, data_dir=prepared if name in images.FILES else None)
        if name not in found and _is_there(other):
            found[name] = other.data
    return found


def _is_there(asked: Asked) -> bool:
    try:
        images.check(asked)
    except ValueError:
        return False
    return True


class Figure2(Target):
    """Figure 2."""

    title = "Figure 2, Example 1"
    makes = "differences of gradients between neighbouring meshes, by noise and image set"
    paper_data = "stl10"
    costs = Costs(quick="10 seconds", paper="a minute")

    def cells(self, asked: Asked) -> list[Cell]:
        """One an image set and seed."""
        options = SCALES[asked.scale]._asdict()
        return [
            Cell(_name(name, seed), measured, {"data": data, "seed": seed, **options}, 10.0)
            for (name, data), seed in itertools.product(at_hand(asked).items(), asked.seeds)
        ]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """One an image set: a line a noise, a column a mesh."""
        return [_table(name, _of_set(name, asked, rows)) for name in at_hand(asked)]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """A panel an image set, a line a noise, with standard errors of the first seed."""
        from ...experiment import plots

        sets = list(at_hand(asked))
        size = (4.5 * len(sets), 4.0)
        figure, (line,) = plots.panels(1, len(sets), size, sharey=True)
        for name, axes in zip(sets, line, strict=True):
            for noise, found in _of_set(name, asked, rows)[0].items():
                widths = _widths(found["mean"])
                values, errors = (list(found[of].values()) for of in ("mean", "error"))
                axes.errorbar(widths, values, errors, marker=".", label=f"noise {noise}")
            axes.set(title=name, xlabel="width of pixels, finest = 1", xscale="log", yscale="log")
            plots.in_decades(axes.yaxis)
            axes.set_xticks(widths, [f"{width:g}" for width in widths])
            axes.minorticks_off()
            axes.grid(alpha=0.3)
        line[0].set_ylabel("|grad_h - grad_2h|")
        line[0].legend()
        plots.save(figure, path)


def _name(dataset: str, seed: int) -> str:
    return f"figure2/{dataset}-{seed}"


def _of_set(name: str, asked: Asked, rows: Rows) -> list[dict[str, Any]]:
    """What was found on an image set, by noise, one a seed."""
    return [rows[_name(name, seed)]["noise"] for seed in asked.seeds]


def _widths(by_points: dict[str, float]) -> list[float]:
    points = [int(number) for number in by_points]
    return [points[0] / number for number in points]


def law_of(by_points: dict[str, float]) -> PowerLaw:
    """How the difference depends on the width of pixels."""
    return power_law(_widths(by_points), list(by_points.values()))


def _table(name: str, found: list[dict[str, Any]]) -> Table:
    first = next(iter(found[0].values()))["mean"]
    columns = ("noise", *(f"{n} to {int(n) // 2} points" for n in first), "slope in h")
    lines = []
    for noise in found[0]:
        means = [of_seed[noise]["mean"] for of_seed in found]
        cells = [wording.of_seeds(mean[n] for mean in means) for n in first]
        lines.append((noise, *cells, of_seeds([law_of(mean) for mean in means])))
    return Table(f"|grad_h - grad_2h| on {name}", columns, lines, _notes(found))


def _notes(found: list[dict[str, Any]]) -> tuple[str, ...]:
    quietest, *_, loudest = found[0]
    laws = [law_of(of_seed[quietest]["mean"]) for of_seed in found]
    noisy = [law_of(of_seed[loudest]["mean"]).slope for of_seed in found]
    return (
        wording.holds(
            "without noise the difference vanishes with h",
            f"as h to the power {of_seeds(laws)} (1 or more is Lemma 1's, for signals "
            "without edges)",
            min(law.least for law in laws) > 0.0,
        ),
        wording.holds(
            f"with noise of {loudest} it does not",
            f"as h to the power {wording.of_seeds(noisy, 2)}",
            max(noisy) <= 0.0,
        ),
    )
