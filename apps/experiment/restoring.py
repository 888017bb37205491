"""Restores picture files one after another, and shows what came of it."""

from __future__ import annotations

import glob
import pathlib
import sys
from typing import NamedTuple

import numpy as np

from keras_ms import safe_files
from keras_ms.data.sources import image_files
from keras_ms.data.sources.picture_file import upright

from . import (
    comparison_sheet,
    masks_of,
    one_picture,
    output_folder,
    quality,
    sheets,
    strips,
    tables,
)
from .one_picture import How
from .printable import printable

SHEET_ROWS = 6


class Job(NamedTuple):
    """What to restore.

    Attributes:
        how: How each picture is restored.
        source: A picture, or a folder of pictures, searched recursively.
        output: Folder to write to.
        compare: Folder of clean pictures of the same names, or `None`.
    """

    how: How
    source: str
    output: str
    compare: str | None = None


class Result(NamedTuple):
    """One restored picture: its small row of the sheet, its quality before and after if known."""

    name: pathlib.Path
    row: dict[str, np.ndarray]
    compared: tuple[quality.Quality, quality.Quality] | None


def restore_files(job: Job) -> tuple[list[Result], list[str]]:
    """Restores every picture and writes it under the output.

    Returns:
        The results (arrays only of those shown on the sheet), and what went wrong, one line each.

    Raises:
        ValueError: If there is nothing to read, originals would be overwritten, the output cannot
            be written to, or the model cannot be used so.
    """
    from rich.progress import track

    one_picture.check(job.how)
    _check_compared(job)
    output = pathlib.Path(job.output)
    names = _names(job.source, output, job.how.restorer.classes is not None)
    output_folder.probe(output)
    for folder in {(output / name).parent for name in names.values()}:
        safe_files.clear(folder)
    results: list[Result] = []
    problems: list[str] = []
    for path, name in track(names.items(), "Restoring", disable=not sys.stdout.isatty()):
        try:
            _restore_one(job, path, name, results)
        except ValueError as error:
            problems.append(printable(error))
            _say(f"Problem: {problems[-1]}")
    return results, problems


def show(results: list[Result], output: str) -> None:
    """Prints the quality of pictures if it is known, and writes the sheet of the first ones.

    Raises:
        ValueError: If the sheet cannot be written.
    """
    compared = {str(r.name): r.compared for r in results if r.compared}
    if compared:
        tables.print_restored(compared)
    rows = [result.row for result in results if "clean" in result.row]
    rows = rows or [result.row for result in results if result.row]
    try:
        sheet = comparison_sheet.write(rows, pathlib.Path(output))
    except OSError as error:
        raise ValueError(
            f"The pictures are in {output}, but their sheet cannot be written ({error})."
        ) from error
    count = "1 picture is" if len(results) == 1 else f"{len(results)} pictures are"
    print(printable(f"{count} in {output}; look at {sheet} ."))


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _check_compared(job: Job) -> None:
    if job.compare is not None and job.how.restorer.classes is not None:
        raise ValueError(
            "--compare is for pictures: masks have neither PSNR nor SSIM. Received: "
            f"--compare={job.compare}, a model of {len(job.how.restorer.classes)} classes. Leave "
            "it out; apps.train says mean IoU of held-out pairs."
        )


def _names(
    source: str, output: pathlib.Path, masks: bool = False
) -> dict[pathlib.Path, pathlib.Path]:
    """Names under the output by picture: its own, with `.png` for masks."""
    path = pathlib.Path(source).expanduser()
    root, files = (path.parent, [path]) if path.is_file() else (path, None)
    if files is None:
        files, others = image_files.found(path)
        if others:
            _say(f"In {path} {image_files.passed_over(others)}.")
        folders = {root.resolve(), *(file.resolve().parent for file in files)}
        if not folders.isdisjoint(output.resolve().parents):
            raise ValueError(
                "--output must not lie within --input: results would be taken for originals. "
                f"Received: --input={source}, --output={output}."
            )
    if output.exists() and not output.is_dir():
        raise ValueError(f"--output must be a folder. Received: --output={output}.")
    names = {file: file.relative_to(root) for file in files}
    if masks:
        names = masks_of.names(names)
    originals = {file.resolve() for file in files}
    if any((output / name).resolve() in originals for name in names.values()):
        raise ValueError(f"--output would overwrite the originals. Received: --output={output}.")
    return names


def _restore_one(job: Job, path: pathlib.Path, name: pathlib.Path, results: list[Result]) -> None:
    """Restores and writes one picture, and adds what came of it to the results."""
    made = one_picture.restore(job.how, path, pathlib.Path(job.output, name))
    for remark in made.remarks:
        _say(f"{path.name}: {remark}")
    title = "restored" if job.how.restorer.classes is None else "classes"
    row = {"input": made.picture.pixels, title: made.restored}
    row = {title: upright(part, made.picture.orientation) for title, part in row.items()}
    is_shown = len(results) < SHEET_ROWS
    results.append(Result(name, _small(row) if is_shown else {}, None))
    if job.compare is not None:
        results[-1] = _compared(job, name, row, is_shown)


def _small(row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is kept for the sheet."""
    return {title: sheets.in_bytes(part) for title, part in row.items()}


def _compared(job: Job, name: pathlib.Path, row: dict[str, np.ndarray], is_shown: bool) -> Result:
    original = one_picture.read(job.how, _clean(name, pathlib.Path(str(job.compare))))
    clean = upright(original.pixels, original.orientation)
    pixels, restored = row.values()
    if clean.shape != restored.shape:
        raise ValueError(
            f"{name}: is {restored.shape}, the clean picture {clean.shape}; not compared."
        )
    before = strips.measure(clean, pixels, job.how.restorer.scale)
    after = strips.measure(clean, restored)
    if not is_shown:
        return Result(name, {}, (before, after))
    title = "input" if job.how.restorer.scale > 1 else f"input, {before.psnr:.2f} dB"
    shown = {"clean": clean, title: pixels, f"restored, {after.psnr:.2f} dB": restored}
    return Result(name, _small(shown), (before, after))


def _clean(name: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """The clean picture of a name, whatever its format."""
    exact = directory / name
    alike = sorted(exact.parent.glob(f"{glob.escape(exact.stem)}.*"))
    alike = [path for path in alike if path.stem == exact.stem]
    candidates = [exact, *(path for path in alike if image_files.is_picture(path))]
    for path in candidates:
        if path.is_file():
            return path
    raise ValueError(f"{name}: no clean picture of this name in {directory}.")
