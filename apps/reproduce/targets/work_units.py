"""Every budget that the paper prints, computed from the settings of the preset `paper`."""

from __future__ import annotations

import pathlib
from typing import Any, NamedTuple

from ...experiment import presets
from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target
from .table1 import batch_sizes

NAMES = {"work_units": "WorkUnits"}

SAMPLES = 512  # whose loss table 1 estimates
FINEST_OF_TABLE_1 = 16  # of them on the finest mesh


class Printed(NamedTuple):
    """A budget of the paper: its strategy, the task that sets it, levels, and as it is printed."""

    label: str
    strategy: str
    task: str
    levels: int
    paper: str


PRINTED = (
    Printed("Single-scale, 240 images", "single_scale", "denoising", 4, "480k"),
    Printed("Multiscale", "multiscale", "denoising", 4, "74k"),
    Printed("Full-Multiscale", "full_multiscale", "denoising", 4, "28.7k"),
    Printed("Full-Multiscale, inpainting", "full_multiscale", "inpainting", 4, "126k"),
    Printed("Single-scale, super-resolution", "single_scale", "super_resolution", 4, "30k"),
    Printed("Multiscale, super-resolution", "multiscale", "super_resolution", 4, "4.6k"),
    Printed("Full-Multiscale, super-resolution", "full_multiscale", "super_resolution", 4, "7.9k"),
    Printed("Multiscale", "multiscale", "denoising", 3, "68k"),
    Printed("Full-Multiscale", "full_multiscale", "denoising", 3, "19.5k"),
    Printed("Multiscale", "multiscale", "denoising", 2, "56k"),
    Printed("Full-Multiscale", "full_multiscale", "denoising", 2, "11k"),
)
EVALUATIONS = {1: "512", 2: "528", 3: "560", 4: "624", 5: "752"}


def budget(key: Key, given: Given) -> Row:
    """Work units of a run: of an iteration of each stage, finest first, and of the whole."""
    import keras_ms

    levels = keras_ms.Levels(tuple(key["batch_sizes"]))
    steps = key["iterations"]
    if key["strategy"] == "full_multiscale":
        each = [levels.work_units(finest) for finest in range(levels.num_levels)]
        return {"an_iteration": each, "work_units": levels.full_multiscale_work_units(steps)}
    single = key["strategy"] == "single_scale"
    one = levels.single_scale_work_units() if single else levels.work_units()
    return {"an_iteration": [one], "work_units": steps[0] * one}


def evaluations(key: Key, given: Given) -> Row:
    """What a loss over some samples takes by telescoping, in evaluations and in work units."""
    import keras_ms

    levels = keras_ms.Levels(tuple(key["batch_sizes"]))
    return {"evaluations": levels.evaluations(), "work_units": levels.work_units()}


def batches_of_table_1(levels: int) -> tuple[int, ...]:
    """Samples of every level: 16 on the finest, twice as many on each coarser, then the rest."""
    return batch_sizes(levels, SAMPLES, FINEST_OF_TABLE_1)


def key_of(printed: Printed) -> dict[str, Any]:
    """What the preset `paper` says of a budget."""
    found = presets.values("paper", printed.task, "")
    steps = found["iterations"]
    staged = printed.strategy == "full_multiscale"
    return {
        "strategy": printed.strategy,
        "batch_sizes": found["batch_sizes"][: printed.levels],
        "iterations": steps.fitted(printed.levels) if staged else (max(steps),),
    }


class WorkUnits(Target):
    """Budgets, beside what the paper prints."""

    title = "Budgets in work units (section 4, appendix C)"
    makes = "all budgets of the paper, and the evaluations of table 1; exact"
    costs = Costs("no time", "no time")

    def cells(self, asked: Asked) -> list[Cell]:
        """A cell a budget, whatever the scale."""
        budgets = [Cell(_name(printed), budget, key_of(printed)) for printed in PRINTED]
        of_table_1 = [
            Cell(_name(levels), evaluations, {"batch_sizes": batches_of_table_1(levels)})
            for levels in EVALUATIONS
        ]
        return budgets + of_table_1

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """Budgets; evaluations."""
        columns = ("strategy", "levels", "batches", "iterations", "of an iteration", "WU", "paper")
        budgets = [_line(printed, rows[_name(printed)]) for printed in PRINTED]
        counted = [_counted(levels, rows[_name(levels)]) for levels in EVALUATIONS]
        of_loss = ("levels", "batches", "evaluations", "paper", "WU", "ratio to one level")
        return [
            Table("Budgets of training", columns, budgets),
            Table(f"The loss over {SAMPLES} images (table 1)", of_loss, counted),
        ]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """Bars, with what the paper prints as lines across them."""
        from ...experiment import plots

        figure, ((axes,),) = plots.panels(1, 1, (8.0, 4.0))
        names = [f"{printed.label}, {printed.levels} levels" for printed in PRINTED][::-1]
        axes.barh(names, [rows[_name(printed)]["work_units"] for printed in PRINTED][::-1])
        printed = [in_work_units(one.paper) for one in PRINTED][::-1]
        axes.plot(printed, names, "|", color="black", markersize=14, label="paper")
        axes.set(xscale="log", xlabel="work units")
        axes.legend()
        plots.save(figure, path)


def in_work_units(printed: str) -> float:
    """A budget as the paper prints it, such as `"28.7k"`, as a number."""
    return 1000.0 * float(printed.removesuffix("k"))


def _name(of: Printed | int) -> str:
    if isinstance(of, int):
        return f"work_units/loss-{of}"
    return f"work_units/{of.strategy}-{of.task}-{of.levels}"


def _line(printed: Printed, row: Row) -> tuple[str, ...]:
    key = row["settings"]
    return (
        printed.label,
        str(printed.levels),
        *(", ".join(map(str, key[name])) for name in ("batch_sizes", "iterations")),
        ", ".join(f"{cost:g}" for cost in row["an_iteration"]),
        f"{row['work_units']:,.0f}",
        printed.paper,
    )


def _counted(levels: int, row: Row) -> tuple[str, ...]:
    return (
        str(levels),
        ", ".join(map(str, row["settings"]["batch_sizes"])),
        str(row["evaluations"]),
        EVALUATIONS[levels],
        f"{row['work_units']:.4g}",
        f"{SAMPLES / row['work_units']:.2f}",
    )
