"""Runs targets: computes cells that are not on file, and writes what comes of them."""

from __future__ import annotations

import pathlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import images, listing, registry, report
from .settings import ReproduceSettings
from .target import CELLS, Asked, Cell, Given, Row, Rows, Target

if TYPE_CHECKING:
    from ..races.progress import Progress


def run(settings: ReproduceSettings) -> str:
    """Reproduces the targets asked for, or lists all there are.

    Returns:
        The reports, in Markdown; or the list.

    Raises:
        ValueError: If pictures are missing, or cells on file were made with other settings.
    """
    if settings.list:
        print(text := listing.of_targets())
        return text
    targets = registry.chosen(settings.target)
    asked = {target.name: settings.asked_of(target) for target in targets}
    for target in targets:  # all of them before anything heavy is imported
        for one in target.by_data_set(asked[target.name]):
            images.check(one)
    for target in targets:
        target.check(asked[target.name])
    from ..experiment import output_folder, starting

    starting.load()
    files = [name for target in targets for name in report.files_of(target)]
    with output_folder.held(settings.output, files) as output:
        return _all(settings, targets, asked, output)


def _all(
    settings: ReproduceSettings,
    targets: Sequence[Target],
    asked: dict[str, Asked],
    output: pathlib.Path,
) -> str:
    from ..races.progress import Progress

    cells = {target.name: target.cells(asked[target.name]) for target in targets}
    _check_on_file(output, [cell for of_target in cells.values() for cell in of_target])
    different = {cell.name: cell.seconds for of in cells.values() for cell in of}
    progress = Progress(list(different.values()))
    rows: dict[str, Row] = {}
    texts: list[str] = []
    for target in targets:
        for cell in cells[target.name]:
            if cell.name not in rows:
                rows[cell.name] = computed(cell, rows, output, progress)
        own = {cell.name: rows[cell.name] for cell in cells[target.name]}
        texts.append(
            report.write(settings, target, asked[target.name], cells[target.name], own, output)
        )
        print(f"\n{texts[-1]}\nThe report is in {output / target.name}.md.", flush=True)
    return "\n".join(texts)


def path_of(cell: Cell, output: pathlib.Path) -> pathlib.Path:
    """The JSON file of a cell."""
    return output / CELLS / f"{cell.name}.json"


def _check_on_file(output: pathlib.Path, cells: Sequence[Cell]) -> None:
    """Refuses cells made with other settings, before the first one is computed."""
    import json

    from ..races import on_file

    for cell in cells:
        if (path := path_of(cell, output)).exists():
            before = json.loads(path.read_text())["settings"]
            on_file.check_same(path, before, on_file.made_of(cell.key))


def computed(cell: Cell, rows: Rows, output: pathlib.Path, progress: Progress) -> Row:
    """The row of a cell, from its file if there is one.

    Args:
        cell: The cell.
        rows: Those of other cells, among them all that it comes after.
        output: The folder of the run.
        progress: Says how far it is.
    """
    from ..races.on_file import kept
    from .provenance import machine, versions

    path, begun = path_of(cell, output), time.monotonic()
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        progress.found(cell.seconds)

    def made() -> Row:
        given = Given({name: rows[name] for name in cell.after}, path)
        return {"machine": machine(), "versions": versions(), **cell.make(cell.key, given)}

    def told(row: Row) -> str:
        wall = time.monotonic() - begun
        progress.made(cell.seconds, wall)
        return f"{wall:.0f} s; {progress}"

    return kept(path, cell.key, made, told)
