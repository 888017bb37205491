'''Everything that Ahamed et al. (TMLR 2026, arXiv 2501.12739) show, by one command a table.

    python -m apps.reproduce --list
    python -m apps.reproduce --target=work_units
    python -m apps.reproduce --target=table2_denoising --dataset=folder --data_dir=PICTURES
    python -m apps.reproduce --target=all --scale=paper --data_dir=PREPARED

A **target** is a table, a figure or a theorem of the paper: a class derived from `target.Target` in
a file of its own in `targets/`, which offers it by name in a literal, `NAMES = {"table1": "One"}`.
`--list`, `--help` and `--target=all` know it at once. Targets import nothing heavy at the top of
their files, as `--list` imports them all.

What a target says of itself are class attributes: `title`, `makes`, `paper_data`, `costs`. It has
three methods, and the runner does the rest:

- `cells(asked)`: what there is to compute, as a list of `Cell`s. A cell is a function of a key, and
  of nothing else. The key is a dictionary for JSON that holds all that the result depends on, data
  set and scale included. The function returns a row: another dictionary for JSON.
- `tables(asked, rows)`: `Table`s for the report, with the paper's figures beside ours. `rows` are
  those of all cells, by the name of the cell.
- `plot(asked, rows, path)`: draws the PNG file.

`asked` (`target.Asked`) is scale, data, seeds. **There is one code path**: a scale is parameters
only, a dictionary `{"quick": ..., "paper": ..., "tiny": ...}` in the target's file that its `cells`
look up by `asked.scale`. `tiny` is for tests and no choice of `--scale`.

    """Example: the mean brightness of pictures."""

    from __future__ import annotations

    import pathlib

    from ..target import Asked, Cell, Costs, Given, Key, Row, Rows, Table, Target

    NAMES = {"brightness": "Brightness"}
    PICTURES = {"paper": 1000, "quick": 100, "tiny": 2}


    def measured(key: Key, given: Given) -> Row:
        import numpy as np

        from .. import images

        found = images.load(key["data"], "train", key["pictures"])
        return {"mean": float(np.mean([picture.mean() for picture in found]))}


    class Brightness(Target):
        title = "Brightness"
        makes = "the mean brightness of pictures, by data set"
        paper_data = "stl10"
        costs = Costs(quick="1 s", paper="1 min")

        def cells(self, asked: Asked) -> list[Cell]:
            key = {"data": asked.data, "pictures": PICTURES[asked.scale]}
            return [Cell("brightness/all", measured, key, seconds=1.0)]

        def tables(self, asked: Asked, rows: Rows) -> list[Table]:
            mean = rows["brightness/all"]["mean"]
            return [Table("", ("", "paper", "here"), [("mean", ".45", f"{mean:.2f}")])]

        def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
            from ...experiment import plots

            figure, ((axes,),) = plots.panels(1, 1, (4.0, 3.0))
            axes.bar(["mean"], [rows["brightness/all"]["mean"]])
            plots.save(figure, path)

Every cell is on file as `OUTPUT/cells/NAME.json` as soon as it is computed, beside what it printed,
and is read instead of computed in a later run, by whatever target: cells of one name are one cell.
If its key is another by then, the run is refused, and the error names what differs. A cell that
needs the rows of others names them in `after`, and finds them in `given.rows`; files of its own it
writes to `given.beside(".npz")`. Of a target `NAME` the runner leaves `NAME.md` (tables, plot,
command, versions, hardware), `NAME.csv` (every cell, its key and row, so every seed) and `NAME.png`
in --output.
'''
