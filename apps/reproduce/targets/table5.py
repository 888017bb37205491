"""Table 5: fixed budgets, too small for the paper's batches."""

from __future__ import annotations

import pathlib
from typing import Any

from ..comparison import METRICS, Comparison
from ..contestants import CONTESTANTS
from ..scales import Scale
from ..target import Asked, Costs, Rows
from ..training import Entry, value

NAMES = {"table5": "FixedBudgets"}

PAPER = {  # by work units: single-scale, multiscale
    10: (".1000", ".0444"),
    20: (".0514", ".0179"),
    30: (".0354", ".0231"),
    40: (".0277", ".0122"),
    60: (".0204", ".0191"),
    70: (".0178", ".0133"),
    80: (".0159", ".0114"),
    90: (".0151", ".0101"),
}
NETWORK = "paper_resnet"
FINEST = 1  # image on the finest mesh in a step, so that the least budget pays for several
LEAST_STEPS = 4  # of single-scale training, which has as many images in a step as it can,
# in whole steps that spend all of the budget.
ROWS = (
    *("single_scale", "multiscale", "full_multiscale"),
    *("plain_work", "single_seconds", "plain_seconds"),
)


class FixedBudgets(Comparison):
    """Denoising with 10 to 90 work units; batches are as small as these need."""

    title = "Table 5, fixed budgets"
    makes = "strategies and two baselines with 10 to 90 work units, by the authors' ResNet"
    paper_data = "stl10"
    costs = Costs(quick="4 minutes", paper="20 minutes of a GPU")
    task = "denoising"

    def all_entries(self, scale: Scale) -> list[Entry]:
        """All contestants with every budget, by one network."""
        return [
            Entry(
                *(NETWORK, row, _printed(budget, row), None, budget),
                more=_batches(scale, budget),
                plain_batch=FINEST,
            )
            for budget in PAPER
            for row in ROWS
        ]

    def label(self, entry: Entry) -> str:
        """The budget, too."""
        return f"{entry.budget} WU: {CONTESTANTS[entry.row].label}"

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """The error against the budget: medians, least and most over the seeds; the paper's."""
        from ...experiment import plots

        figure, ((axes,),) = plots.panels(1, 1, (10.0, 5.0))
        entries = self.entries(asked)
        for row in dict.fromkeys(entry.row for entry in entries):
            of_row = {e.budget: self.runs(asked, rows, e) for e in entries if e.row == row}
            _draw(axes, CONTESTANTS[row].label, of_row)
        for column, label in enumerate(("single-scale", "multiscale")):
            printed = [float(both[column]) for both in PAPER.values()]
            axes.plot(list(PAPER), printed, "x--", alpha=0.5, label=f"{label}, paper")
        axes.set(xlabel="work units", ylabel=f"best {METRICS[self.metric]}", yscale="log")
        plots.in_decades(axes.yaxis)
        axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5))  # beside: lines are everywhere
        plots.save(figure, path)


def _draw(axes: Any, label: str, runs: dict[int | None, list[Any]]) -> None:
    import numpy as np

    found = {budget: [v for r in of if (v := value(r, "loss"))] for budget, of in runs.items()}
    known = {budget: values for budget, values in found.items() if values}
    medians, least, most = (
        np.array([f(values) for values in known.values()]) for f in (np.median, min, max)
    )
    axes.errorbar(list(known), medians, [medians - least, most - medians], fmt="o-", label=label)


def _printed(budget: int, row: str) -> str:
    return dict(zip(("single_scale", "multiscale"), PAPER[budget], strict=True)).get(row, "")


def _batches(scale: Scale, budget: int) -> tuple[tuple[str, Any], ...]:
    """Batches that a budget pays for some steps of, in the paper's proportions."""
    sizes = tuple(FINEST << level for level in range(scale.levels))
    most = max(1, min(sum(sizes), budget // LEAST_STEPS))
    single = max(size for size in range(1, most + 1) if budget % size == 0)
    return (("batch_sizes", sizes), ("single_scale_batch", single))
