"""What a target leaves: tables with where they come from, a row of every cell, a plot."""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .settings import ReproduceSettings
from .target import Asked, Cell, Row, Rows, Table, Target


def files_of(target: Target) -> tuple[str, ...]:
    """Names of the files that a target leaves in --output."""
    return tuple(f"{target.name}.{suffix}" for suffix in ("md", "csv", "png"))


def write(
    settings: ReproduceSettings,
    target: Target,
    asked: Asked,
    cells: Sequence[Cell],
    rows: Rows,
    output: pathlib.Path,
) -> str:
    """Writes the files of a target.

    Returns:
        The report, in Markdown.
    """
    from keras_ms import safe_files

    markdown, table, plot = (output / name for name in files_of(target))
    target.plot(asked, rows, plot)
    with safe_files.whole(table) as unfinished:
        _write_csv(unfinished, [flat(cell, rows[cell.name]) for cell in cells])
    text = as_markdown(settings, target, asked, rows)
    safe_files.write_text(markdown, text)
    return text


def as_markdown(settings: ReproduceSettings, target: Target, asked: Asked, rows: Rows) -> str:
    """The report: tables, the plot, and where they come from."""
    tables = "\n".join(of_table(table) for table in target.tables(asked, rows))
    plot = f"![{target.title}]({target.name}.png)"
    origin = _origin(settings, target, asked, rows)
    return f"# {target.title}: {target.makes}\n\n{tables}\n{plot}\n\n{origin}"


def of_table(table: Table) -> str:
    """A table in Markdown, its title above and its notes below."""
    from ..experiment import tables

    title = f"**{table.title}**\n\n" if table.title else ""
    notes = "".join(f"\n- {note}" for note in table.notes)
    return f"{title}{tables.markdown(table.columns, table.rows)}{notes}\n"


def _origin(settings: ReproduceSettings, target: Target, asked: Asked, rows: Rows) -> str:
    from . import provenance

    machines, versions = (
        dict.fromkeys(row[name] for row in rows.values() if name in row)
        for name in ("machine", "versions")
    )
    folder = f" in {asked.data_dir}" if asked.data_dir else ""
    lines = [
        f"Command: `{provenance.command(settings, target.name)}`",
        f"Scale: {asked.scale}; seeds {', '.join(map(str, asked.seeds))}",
        f"Pictures: {asked.dataset}{folder}" if asked.dataset else "Pictures: none are needed",
        f"Versions: {'; '.join(versions)}",
        f"Hardware: {'; '.join(machines)}",
    ]
    return "".join(f"- {line}\n" for line in lines)


def flat(cell: Cell, row: Row) -> dict[str, Any]:
    """One line of the CSV: the cell's name, its key and its row; what is within is `OUTER.INNER`.

    Numbers of a list stand side by side. Lists of anything else are left out, such as curves, and
    so are columns that would be empty; the cell's JSON file has them.
    """
    found = {k: v for k, v in row.items() if k != "settings"}
    return {"cell": cell.name, **dict(_flat("", cell.key)), **dict(_flat("", found))}


def _flat(above: str, content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{above}{name}.", value)
        elif not isinstance(value, list | tuple):
            yield f"{above}{name}", value
        elif not any(isinstance(entry, Mapping | list | tuple) for entry in value):
            yield f"{above}{name}", " ".join(map(str, value))


def _write_csv(path: pathlib.Path, lines: Sequence[Mapping[str, Any]]) -> None:
    names = dict.fromkeys(name for line in lines for name in line)
    columns = [name for name in names if any(line.get(name) not in (None, "") for line in lines)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
