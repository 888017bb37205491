"""Figures 3 and 5 to 10: pictures restored by networks of every strategy, side by side."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .. import pictures, training
from ..contestants import CONTESTANTS, FULL, OF_TABLE_2, OURS
from ..scales import SCALES
from ..target import CELLS, Asked, Cell, Costs, Rows, Table, Target
from ..training import Entry

NAMES = {"figures": "Figures"}


class Shown(NamedTuple):
    """A sheet: task and network, and the paper's data set for it."""

    task: str
    network: str
    paper_data: str


SHEETS = (
    Shown("denoising", "paper_unet", "stl10"),
    Shown("denoising", "paper_resnet", "stl10"),
    Shown("deblurring", "paper_unet", "stl10"),
    Shown("deblurring", "paper_resnet", "stl10"),
    Shown("inpainting", "paper_unet", "celeb_a"),
    Shown("inpainting", "paper_resnet", "celeb_a"),
    Shown("super_resolution", "paper_sr_convnet", "urban100"),
    Shown("super_resolution", "paper_sr_resnet", "urban100"),
)
QUICKEST = ("paper_resnet", "paper_sr_convnet")  # one a task, where there are minutes only
ROWS = (*OF_TABLE_2, *OURS)
TITLES = {"clean": "clean", "degraded": "degraded"}
TITLES |= {name: one.label.replace("full-multiscale", "full") for name, one in CONTESTANTS.items()}


class Figures(Target):
    """A sheet a task and network, of the networks that table 2 trains with the first seed."""

    title = "Figures 3 and 5 to 10"
    makes = "sheets of restored pictures, one row a picture, one column a strategy"
    paper_data = "stl10"
    costs = Costs("6 minutes, a minute after table 2", "a minute after table 2")

    def by_data_set(self, asked: Asked) -> tuple[Asked, ...]:
        """The data sets of all sheets."""
        return tuple(dict.fromkeys(of for of, _ in _sheets(asked)))

    def cells(self, asked: Asked) -> list[Cell]:
        """The trainings of table 2, and for every sheet the pictures."""
        return [cell for of in _sheets(asked) for cell in _cells_of(*of)]

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """PSNR and SSIM of the pictures shown; the sheets."""
        lines = []
        for of, shown in _sheets(asked):
            row = rows[_name(of, shown)]
            for name, psnr in row["psnr"].items():
                told = (f"{psnr:.2f} dB", f"{row['ssim'][name]:.4f}")
                lines.append((shown.task, shown.network, TITLES[name], *told))
        files = tuple(
            f"![{shown.task}, {shown.network}]({_file(shown)})" for _, shown in _sheets(asked)
        )
        columns = ("task", "network", "strategy", "PSNR", "SSIM")
        return [Table("Of the pictures shown, means", columns, lines, files)]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """All sheets, and one with the first picture of each."""
        from ...experiment import plots

        first = []
        for of, shown in _sheets(asked):
            name = _name(of, shown)
            folder = (path.parent / CELLS / name).parent
            found = [_titled(one) for one in pictures.read(rows[name], folder)]
            plots.save_sheet(found, path.with_name(_file(shown)))
            first.append(found[0])
        plots.save_sheet(first, path)


def _sheets(asked: Asked) -> Iterator[tuple[Asked, Shown]]:
    """The sheets of a scale, each with its data set: the paper's, unless one is asked for."""
    scale = SCALES[asked.scale]
    for shown in SHEETS:
        left_out = asked.scale != "paper" and shown.network not in QUICKEST
        if left_out or not scale.takes(shown.network, FULL):
            continue
        own = asked.scale == "paper" and not asked.by_name
        yield asked._replace(dataset=shown.paper_data) if own else asked, shown


def _cells_of(asked: Asked, shown: Shown) -> Iterator[Cell]:
    scale, first = SCALES[asked.scale], asked._replace(seeds=asked.seeds[:1])
    entries = [Entry(shown.network, row) for row in ROWS if scale.takes(shown.network, row)]
    trainings = training.cells_of(first, scale, shown.task, entries)
    yield from trainings
    yield pictures.cell_of(_name(asked, shown), trainings)


def _name(asked: Asked, shown: Shown) -> str:
    folder = training.folder_of(asked, shown.task, shown.network)
    return f"{folder}/pictures-{asked.seeds[0]}"


def _file(shown: Shown) -> str:
    return f"figures-{shown.task}-{shown.network}.png"


def _titled(one: Mapping[str, Any]) -> dict[str, Any]:
    return {TITLES[name]: picture for name, picture in one.items()}
