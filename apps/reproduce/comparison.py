"""Targets that compare ways to train: a line a contestant, a table a network."""

from __future__ import annotations

import abc
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ..experiment.option_names import SSIMS
from . import drawing, settings_told, training, verdicts
from .contestants import CONTESTANTS, REFERENCE
from .scales import SCALES, Scale
from .target import Asked, Cell, Rows, Table, Target
from .training import Entry, name_of, value

METRICS = {"loss": "MSE", "ssim": "SSIM", "authors_ssim": "authors' SSIM"}


class Comparison(Target):
    """Trains contestants on one task.

    Attributes:
        task: Name of the task.
        metric: What the paper reports: `"loss"`, the mean squared error, or `"authors_ssim"`.
        scales: By the name of the scale, how much smaller than the paper's it is.
    """

    task: ClassVar[str]
    metric: ClassVar[str] = "loss"
    scales: ClassVar[Mapping[str, Scale]] = SCALES

    @abc.abstractmethod
    def all_entries(self, scale: Scale) -> list[Entry]:
        """The lines of all tables, those of a network together."""

    def entries(self, asked: Asked) -> list[Entry]:
        """The lines of all tables that the scale has."""
        scale = self.scales[asked.scale]
        return [e for e in self.all_entries(scale) if scale.takes(e.network, e.row)]

    def check(self, asked: Asked) -> None:
        """Refuses pictures of which no training can be made, before the first one."""
        self.cells(asked)

    def cells(self, asked: Asked) -> list[Cell]:
        """A training an entry and seed."""
        return training.cells_of(asked, self.scales[asked.scale], self.task, self.entries(asked))

    def runs(self, asked: Asked, rows: Rows, entry: Entry) -> list[Any]:
        """The rows of an entry, one a seed."""
        return [rows[name_of(asked, self.task, entry, seed)] for seed in asked.seeds]

    def of_network(self, asked: Asked) -> dict[str, list[Entry]]:
        """The entries by network."""
        found: dict[str, list[Entry]] = {}
        for entry in self.entries(asked):
            found.setdefault(entry.network, []).append(entry)
        return found

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """A table a network."""
        return [
            self.table(asked, rows, network, entries)
            for network, entries in self.of_network(asked).items()
        ]

    def table(self, asked: Asked, rows: Rows, network: str, entries: Sequence[Entry]) -> Table:
        """The table of one network."""
        found = {entry: self.runs(asked, rows, entry) for entry in entries}
        lines = [
            (self.label(entry), *self.line(entry, runs, *_reference(entry, found)))
            for entry, runs in found.items()
        ]
        name = METRICS[self.metric]
        columns = (
            *("strategy", "WU", "seconds", name, f"best {name}", "paper"),
            *("of single-scale's", "paper's"),
            *(f"best {METRICS[other]}" for other in self.others),
        )
        scale = self.scales[asked.scale]
        told = settings_told.lines(asked, scale, self.task, entries, self.paper_data)
        return Table(network, columns, lines, (*verdicts.of(self.metric, found), *told))

    @property
    def others(self) -> tuple[str, ...]:
        """Metrics that are shown beside the paper's."""
        return tuple(name for name in SSIMS if name != self.metric)

    def label(self, entry: Entry) -> str:
        """What a line is called."""
        levels = f", {entry.levels} levels" if entry.levels else ""
        return f"{CONTESTANTS[entry.row].label}{levels}"

    def line(
        self, entry: Entry, runs: Sequence[Any], reference: Sequence[Any], printed: str
    ) -> tuple[str, ...]:
        """The cells of a line behind its label: medians (least to most) over the seeds."""
        from ..races.ends import spread

        ratios = [
            verdicts.ratio(value(run, self.metric), value(of, self.metric))
            for run, of in zip(runs, reference, strict=False)
        ]
        in_paper = float(entry.paper) / float(printed) if entry.paper and printed else None
        return (
            spread([run.get("work_units") for run in runs], ",.0f"),
            spread([run.get("seconds") for run in runs], ".0f"),
            spread([value(run, self.metric, "last") for run in runs], ".4f"),
            spread([value(run, self.metric) for run in runs], ".4f"),
            entry.paper or "-",
            spread(ratios, ".2f"),
            spread([in_paper], ".2f"),
            *(spread([value(run, name) for run in runs], ".4f") for name in self.others),
        )

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """A panel a network: a dot a seed, the median, and the paper's value."""
        panels = {
            network: [self._dots(asked, rows, entry) for entry in entries]
            for network, entries in self.of_network(asked).items()
        }
        drawing.save_dots(panels, f"best {METRICS[self.metric]}", path)

    def _dots(self, asked: Asked, rows: Rows, entry: Entry) -> drawing.Dots:
        values = [value(run, self.metric) for run in self.runs(asked, rows, entry)]
        known = [one for one in values if one is not None]
        return drawing.Dots(self.label(entry), known, float(entry.paper) if entry.paper else None)


def _reference(entry: Entry, found: Mapping[Entry, list[Any]]) -> tuple[list[Any], str]:
    """Single-scale training with the same budget: its rows, and what the paper reports of it."""
    for other, runs in found.items():
        if other.row == REFERENCE and other.budget == entry.budget:
            return runs, other.paper
    return [], ""
