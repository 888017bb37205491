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
from keras_ms.data.sources.image_files import is_picture
from keras_ms.data.sources.picture_file import upright
from keras_ms.inference import Restorer, pictures

from . import plots, quality, tables

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
    """

    restorer: Restorer
    source: str
    output: str
    compare: str | None = None
    max_pixels: int = 1_000_000
    noise_level: float | None = None


class Result(NamedTuple):
    """One restored picture: its row of the sheet, and its quality before and after if known."""

    name: pathlib.Path
    row: dict[str, np.ndarray]
    compared: tuple[quality.Quality, quality.Quality] | None


def load(model: str, noise_level: float | None = None) -> Restorer:
    """Loads a model of pictures of three channels.

    Raises:
        ValueError: If there is none, or the noise level it wants is missing.
    """
    restorer = keras_ms.inference.load(model)
    if (restorer.spatial_dims, restorer.channels, restorer.output) != (2, 3, "image"):
        raise ValueError(
            "Files are restored by models from pictures of three channels to pictures. Received: "
            f"--model={model}, of {restorer.spatial_dims} spatial axes, {restorer.channels} "
            f"channels and output={restorer.output!r}. Use keras_ms.inference.restore on arrays."
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
        ValueError: If there is nothing to read, originals would be overwritten, or `max_pixels` is
            less than a tile.
    """
    from rich.progress import track

    least = job.restorer.least_tile**2
    if job.max_pixels < least:
        raise ValueError(
            f"A tile of this model has {least} pixels at least. Received: "
            f"--max_pixels={job.max_pixels}."
        )
    names = _names(job.source, pathlib.Path(job.output))
    results: list[Result] = []
    problems: list[str] = []
    for path, name in track(names.items(), "Restoring", disable=not sys.stdout.isatty()):
        try:
            row = _restore_one(job, path, pathlib.Path(job.output, name))
            result = Result(name, row, None)
            results.append(result if len(results) < SHEET_ROWS else result._replace(row={}))
            if job.compare is not None:
                compared = _compare(job, result)
                results[-1] = compared if results[-1].row else compared._replace(row={})
        except ValueError as error:
            problems.append(str(error))
            print(f"Problem: {error}", file=sys.stderr, flush=True)
    return results, problems


def show(results: list[Result], output: str) -> None:
    """Writes the sheet of the first pictures, and prints their quality if it is known."""
    sheet = _write_sheet(results, pathlib.Path(output))
    compared = {str(r.name): r.compared for r in results if r.compared}
    if compared:
        tables.print_restored(compared)
    print(f"{len(results)} pictures are in {output}; look at {sheet} .")


def _names(source: str, output: pathlib.Path) -> dict[pathlib.Path, pathlib.Path]:
    """Names under the output by picture."""
    path = pathlib.Path(source).expanduser()
    root, files = (path.parent, [path]) if path.is_file() else (path, None)
    if files is None:
        files = keras_ms.data.image_files(path)
        if root.resolve() in output.resolve().parents:
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


def _restore_one(job: Job, path: pathlib.Path, target: pathlib.Path) -> dict[str, np.ndarray]:
    picture = pictures.read(path)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        restored = keras_ms.inference.restore(
            job.restorer, picture.pixels, math.isqrt(job.max_pixels), job.noise_level
        )
    for warning in said:
        print(f"{path.name}: {warning.message} (--max_pixels)", file=sys.stderr)
    pictures.write(restored, picture, target)
    row = {"input": _floats(picture.pixels), "restored": _floats(restored)}
    return {name: upright(part, picture.orientation) for name, part in row.items()}


def _compare(job: Job, result: Result) -> Result:
    original = pictures.read(_clean(result.name, pathlib.Path(str(job.compare))))
    clean = upright(_floats(original.pixels), original.orientation)
    restored = result.row["restored"]
    if clean.shape != restored.shape:
        raise ValueError(
            f"{result.name}: is {restored.shape[:2]}, the clean picture {clean.shape[:2]}."
        )
    scale = job.restorer.scale
    enlarged = result.row["input"].repeat(scale, 0).repeat(scale, 1)
    before = quality.measure(clean[np.newaxis], enlarged[np.newaxis])
    after = quality.measure(clean[np.newaxis], restored[np.newaxis])
    return Result(result.name, {"clean": clean, **result.row}, (before, after))


def _clean(name: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """The clean picture of a name, whatever its format."""
    exact = directory / name
    alike = sorted(exact.parent.glob(f"{glob.escape(exact.stem)}.*"))
    alike = [path for path in alike if path.stem == exact.stem]
    candidates = [exact, *(path for path in alike if is_picture(path))]
    for path in candidates:
        if path.is_file():
            return path
    raise ValueError(f"{name}: no clean picture of this name in {directory}.")


def _floats(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype("float32") / (255.0 if pixels.dtype == np.uint8 else 1.0)


def _write_sheet(results: list[Result], output: pathlib.Path) -> pathlib.Path:
    name = "comparison_sheet.png"
    while any(str(result.name) == name for result in results):
        name = f"_{name}"
    compared = [result.row for result in results if "clean" in result.row]
    rows = compared or [result.row for result in results if result.row]
    plots.save_sheet(rows[:SHEET_ROWS], output / name)
    return output / name
