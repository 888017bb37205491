"""What a target is: cells to compute, and how their rows become tables and a plot."""

from __future__ import annotations

import abc
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

CELLS = "cells"
"""The folder of all cells within --output."""

Key = Mapping[str, Any]
"""All that a cell's row depends on; dictionaries, lists, tuples, texts, numbers, `None`."""

Row = dict[str, Any]
"""What was computed, likewise."""

Rows = Mapping[str, Row]
"""Rows by the names of their cells."""


class Asked(NamedTuple):
    """What a target is asked for.

    Attributes:
        scale: `"quick"`, `"paper"`, or in tests `"tiny"`: which parameters.
        dataset: Name of the data set, one of `keras_ms.data.sources`; of targets that need no
            pictures, `None`.
        data_dir: Its folder, or `None` where it has none or the usual one.
        seeds: Of what is repeated.
        by_name: Whether the data set was asked for, and is not the target's own.
    """

    scale: str
    dataset: str | None
    data_dir: str | None
    seeds: tuple[int, ...]
    by_name: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """The pictures, as a key holds them."""
        return {"dataset": self.dataset, "data_dir": self.data_dir}


class Given(NamedTuple):
    """What a cell is given beside its key.

    Attributes:
        rows: Those of the cells named in `after`, by name.
        path: The cell's JSON file.
    """

    rows: Rows
    path: pathlib.Path

    def beside(self, suffix: str) -> pathlib.Path:
        """A file of the cell's own, such as `".weights.h5"`; its folder is there."""
        return self.path.with_name(f"{self.path.stem}{suffix}")


class Cell(NamedTuple):
    """One thing to compute.

    Attributes:
        name: Of its file below `OUTPUT/cells`, without suffix, such as
            `"denoising-paper_resnet/multiscale-0"`. Targets that name a cell alike share it.
        make: Computes the row; a function of a module, which imports what is heavy by itself.
        key: What it is called with.
        seconds: About how long it takes, for the progress; only proportions matter.
        after: Names of other cells whose rows it is given.
    """

    name: str
    make: Callable[[Key, Given], Row]
    key: Key
    seconds: float = 1.0
    after: tuple[str, ...] = ()


class Table(NamedTuple):
    """A table of a report.

    Attributes:
        title: A line above it, or `""`.
        columns: Its head.
        rows: Its cells.
        notes: Lines below it.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


class Costs(NamedTuple):
    """About how long a target takes, one seed, by scale; such as `"4 minutes"`."""

    quick: str
    paper: str


class Target(abc.ABC):
    """A table, a figure or a theorem of the paper.

    Args:
        name: The name that it was asked for by.

    Attributes:
        title: Which of the paper's, such as `"Table 2, denoising"`.
        makes: What comes of it, in a few words.
        paper_data: The data set of the paper, which `--scale=paper` takes unless another is asked
            for; `None` if no pictures are needed. Other scales take `photos`.
        costs: About how long it takes.
    """

    title: ClassVar[str]
    makes: ClassVar[str]
    paper_data: ClassVar[str | None] = None
    costs: ClassVar[Costs]

    def __init__(self, name: str) -> None:
        self.name = name

    def by_data_set(self, asked: Asked) -> tuple[Asked, ...]:
        """What it is asked for, by data set, where it needs several; they are looked for first."""
        return (asked,)

    def check(self, asked: Asked) -> None:
        """Raises `ValueError` if this cannot be done; called before anything is computed."""
        return

    @abc.abstractmethod
    def cells(self, asked: Asked) -> list[Cell]:
        """What there is to compute, those that others come `after` first."""

    @abc.abstractmethod
    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """What the report shows."""

    @abc.abstractmethod
    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """Draws the plot, or sheet of pictures, as a PNG file."""
