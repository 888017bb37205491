"""Restores picture files one after another, and shows what came of it."""

from __future__ import annotations

import glob
import math
import pathlib
import sys
import warnings
from typing import NamedTuple

import numpy as np

import keras_ms
from keras_ms import safe_files
from keras_ms.data.sources import image_files
from keras_ms.data.sources.kinds import Kind, converted
from keras_ms.data.sources.picture_file import upright
from keras_ms.data.sources.stored import MAX_MEGAPIXELS
from keras_ms.inference import Restorer, pictures
from keras_ms.inference.restoring import of_grey

from . import comparison_sheet, output_folder, quality, sheets, strips, tables
from .printable import printable

SHEET_ROWS = 6


class Job(NamedTuple):
    """What to restore, and how.

    Attributes:
        restorer: The model.
        source: A picture, or a folder of pictures, searched recursively.
        output: Folder to write to.
        compare: Folder of clean pictures of the same names, or `None`.
        max_pixels: Larger pictures are restored in tiles.
        noise_level: t, for a model that is told the noise level.
        max_megapixels: Larger pictures are refused.
        value_range: The values of black and white; `None` for those of the type.
    """

    restorer: Restorer
    source: str
    output: str
    compare: str | None = None
    max_pixels: int = 1_000_000
    noise_level: float | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    value_range: tuple[float, float] | None = None


class Result(NamedTuple):
    """One restored picture: its small row of the sheet, its quality before and after if known."""

    name: pathlib.Path
    row: dict[str, np.ndarray]
    compared: tuple[quality.Quality, quality.Quality] | None


def load(model: str, noise_level: float | None = None, trust: bool = False) -> Restorer:
    """Loads a model from pictures to pictures; says what it does besides, if it is trusted.

    Raises:
        ValueError: If there is none, the noise level it wants is missing, or it does more than
            compute and is not trusted.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.filterwarnings("always", category=UserWarning)
        restorer = keras_ms.inference.load(model, trust=trust)
    for warning in said:
        _say(f"Warning: {warning.message}")
    if (restorer.spatial_dims, restorer.output) != (2, "image"):
        raise ValueError(
            "Files are restored by models from pictures to pictures. Received: "
            f"--model={model}, of {restorer.spatial_dims} spatial axes and output="
            f"{restorer.output!r}. Use keras_ms.inference.restore on arrays."
        )
    if restorer.conditional != (noise_level is not None):
        raise ValueError(
            "A model that is told the noise level needs --noise_level, any other takes none. "
            f"Received: --noise_level={noise_level}, a model of which conditional is "
            f"{restorer.conditional}."
        )
    return restorer


def restore_files(job: Job) -> tuple[list[Result], list[str]]:
    """Restores every picture and writes it under the output.

    Returns:
        The results (arrays only of those shown on the sheet), and what went wrong, one line each.

    Raises:
        ValueError: If there is nothing to read, originals would be overwritten, the output cannot
            be written to, or `max_pixels` is less than a tile.
    """
    from rich.progress import track

    least = job.restorer.least_tile**2
    if job.max_pixels < least:
        raise ValueError(
            f"A tile of this model has {least} pixels at least. Received: "
            f"--max_pixels={job.max_pixels}."
        )
    output = pathlib.Path(job.output)
    names = _names(job.source, output)
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
    print(printable(f"{len(results)} pictures are in {output}; look at {sheet} ."))


def _say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def _names(source: str, output: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """Names under the output by picture."""
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
    originals = {file.resolve() for file in files}
    if any((output / name).resolve() in originals for name in names.values()):
        raise ValueError(f"--output would overwrite the originals. Received: --output={output}.")
    return names


def _restore_one(job: Job, path: pathlib.Path, name: pathlib.Path, results: list[Result]) -> None:
    """Restores and writes one picture, and adds what came of it to the results."""
    picture = _read(job, path)
    grey = picture.pixels.shape[-1] < job.restorer.channels
    restorer = of_grey(job.restorer) if grey else job.restorer
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        restored = keras_ms.inference.restore(
            restorer, picture.pixels, math.isqrt(job.max_pixels), job.noise_level
        )
    for warning in said:
        _say(f"{path.name}: {warning.message} (--max_pixels)")
    pictures.write(restored, picture, pathlib.Path(job.output, name))
    if picture.notes:
        _say(f"{path.name}: left out {', '.join(picture.notes)}.")
    row = {"input": picture.pixels, "restored": restored}
    row = {title: upright(part, picture.orientation) for title, part in row.items()}
    is_shown = len(results) < SHEET_ROWS
    results.append(Result(name, _small(row) if is_shown else {}, None))
    if job.compare is not None:
        results[-1] = _compared(job, name, row, is_shown)


def _small(row: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What is kept for the sheet, in bytes."""
    shown = {title: sheets.shown(part) for title, part in row.items()}
    return {title: np.round(255.0 * part).astype(np.uint8) for title, part in shown.items()}


def _read(job: Job, path: pathlib.Path) -> pictures.Picture:
    """A picture of the bands that the model takes."""
    picture = pictures.read(path, job.max_megapixels, job.value_range)
    bands, taken = picture.pixels.shape[-1], job.restorer.channels
    if bands == taken or (bands, taken) == (1, 3):
        return picture
    try:
        pixels = converted(picture.pixels, Kind(taken, picture.pixels.dtype))
    except ValueError as error:
        raise ValueError(f"{path}: has {bands} bands, the model takes {taken}.") from error
    return picture._replace(pixels=pixels)


def _compared(job: Job, name: pathlib.Path, row: dict[str, np.ndarray], is_shown: bool) -> Result:
    original = _read(job, _clean(name, pathlib.Path(str(job.compare))))
    clean = upright(original.pixels, original.orientation)
    pixels, restored = row.values()
    if clean.shape != restored.shape:
        raise ValueError(
            f"{name}: is {restored.shape}, the clean picture {clean.shape}; not compared."
        )
    before = strips.measure(clean, pixels, job.restorer.scale)
    after = strips.measure(clean, restored)
    if not is_shown:
        return Result(name, {}, (before, after))
    title = "input" if job.restorer.scale > 1 else f"input, {before.psnr:.2f} dB"
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
