"""Restores photographs with an exported model.

    python -m apps.restore --model=saved_models/denoising --input=PHOTO_OR_FOLDER --output=DIR
    python -m apps.restore --model=... --input=DEGRADED --output=DIR --compare=CLEAN

Pictures keep their names, formats, orientation and alpha. Those of more than --max_pixels are
restored in tiles. Unreadable files are named and skipped, and the exit status is then 1.
"""

from __future__ import annotations

import functools
import glob
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags, logging

import keras_ms
from keras_ms.data.sources.folder import SUFFIXES
from keras_ms.inference import pictures, tiling

from .experiment import plots, quality, tables

SHEET_ROWS = 6

flags.DEFINE_string("model", None, "SavedModel that apps.train exported.")
flags.DEFINE_string("input", None, "A picture, or a folder of pictures, searched recursively.")
flags.DEFINE_string("output", None, "Folder to write to.")
flags.DEFINE_string("compare", None, "Folder of clean pictures of the same names, for PSNR, SSIM.")
flags.DEFINE_float("noise_level", None, "t, for a model that is told the noise level.")
flags.DEFINE_integer("max_pixels", 1_000_000, "Larger pictures are restored in tiles.")


class Model(NamedTuple):
    """A loaded model and what to know about it."""

    restore: Any
    scale: int
    reach: int | None


class Result(NamedTuple):
    """One restored picture: its row of the sheet, and its quality before and after if known."""

    name: pathlib.Path
    row: dict[str, np.ndarray]
    compared: tuple[quality.Quality, quality.Quality] | None


def load(directory: str, noise_level: float | None = None) -> Model:
    """Loads a SavedModel that `apps.train` exported.

    Raises:
        ValueError: If there is none, or the noise level it wants is missing.
    """
    import tensorflow as tf

    path = pathlib.Path(directory)
    path = path / "model" if (path / "model").is_dir() else path
    details_file = path / "assets.extra" / "restoration.json"
    if not (path / "saved_model.pb").is_file() or not details_file.is_file():
        raise ValueError(
            f"There is no model of apps.train. Received: --model={directory}. Use for example "
            "--model=saved_models/denoising."
        )
    details = json.loads(details_file.read_text())
    if details["conditional"] != (noise_level is not None):
        raise ValueError(
            "A model that is told the noise level needs --noise_level, any other takes none. "
            f"Received: --noise_level={noise_level}, a model of which conditional is "
            f"{details['conditional']}."
        )
    restore = tf.saved_model.load(str(path))
    if noise_level is not None:
        restore = functools.partial(_told, restore, np.full((1, 1), noise_level, "float32"))
    return Model(restore, details["scale"], details["reach"])


def _told(restore: Any, level: np.ndarray, picture: np.ndarray) -> Any:
    return restore(picture, level)


def run(
    model: Model, source: str, output: str, compare: str | None, max_pixels: int
) -> tuple[list[Result], list[str]]:
    """Restores every picture and writes it under `output`.

    Returns:
        The results (arrays only of those shown on the sheet), and what went wrong, one line each.

    Raises:
        ValueError: If there is nothing to read, originals would be overwritten, or `max_pixels` is
            less than a tile.
    """
    from rich.progress import track

    least = tiling.least_pixels(model.reach)
    if max_pixels < least:
        raise ValueError(
            f"A tile of this model has {least} pixels at least. Received: "
            f"--max_pixels={max_pixels}."
        )
    names = _names(source, pathlib.Path(output))
    results: list[Result] = []
    problems: list[str] = []
    for path, name in track(names.items(), "Restoring", disable=not sys.stdout.isatty()):
        try:
            row = _restore_one(model, path, pathlib.Path(output, name), max_pixels)
            result = Result(name, row, None)
            results.append(result if len(results) < SHEET_ROWS else result._replace(row={}))
            if compare is not None:
                compared = _compare(model, result, pathlib.Path(compare))
                results[-1] = compared if results[-1].row else compared._replace(row={})
        except ValueError as error:
            problems.append(str(error))
            print(f"Problem: {error}", file=sys.stderr, flush=True)
    return results, problems


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


def _restore_one(
    model: Model, path: pathlib.Path, target: pathlib.Path, max_pixels: int
) -> dict[str, np.ndarray]:
    picture = pictures.read(path)
    height, width = picture.pixels.shape[:2]
    if model.reach is None and height * width > max_pixels:
        print(
            f"{path.name}: the network couples all pixels, so tiles may differ slightly; raise "
            "--max_pixels to restore it whole.",
            file=sys.stderr,
        )
    restored = tiling.restore(picture.pixels, model.restore, model.scale, model.reach, max_pixels)
    pictures.write(restored, picture, target)
    row = {"input": _floats(picture.pixels), "restored": _floats(restored)}
    return {name: pictures.upright(part, picture.orientation) for name, part in row.items()}


def _compare(model: Model, result: Result, directory: pathlib.Path) -> Result:
    original = pictures.read(_clean(result.name, directory))
    clean = pictures.upright(_floats(original.pixels), original.orientation)
    restored = result.row["restored"]
    if clean.shape != restored.shape:
        raise ValueError(
            f"{result.name}: is {restored.shape[:2]}, the clean picture {clean.shape[:2]}."
        )
    enlarged = result.row["input"].repeat(model.scale, 0).repeat(model.scale, 1)
    before = quality.measure(clean[np.newaxis], enlarged[np.newaxis])
    after = quality.measure(clean[np.newaxis], restored[np.newaxis])
    return Result(result.name, {"clean": clean, **result.row}, (before, after))


def _clean(name: pathlib.Path, directory: pathlib.Path) -> pathlib.Path:
    """The clean picture of a name, whatever its format."""
    exact = directory / name
    alike = sorted(exact.parent.glob(f"{glob.escape(exact.stem)}.*"))
    alike = [path for path in alike if path.stem == exact.stem]
    candidates = [exact, *(path for path in alike if path.suffix.lower() in SUFFIXES)]
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


def main(argv: Sequence[str]) -> None:
    """Reads the flags, restores, and shows what came of it."""
    logging.set_verbosity(logging.WARNING)
    given = flags.FLAGS
    try:
        if len(argv) > 1 or not (given.model and given.input and given.output):
            raise ValueError("--model, --input and --output are needed, and nothing but options.")
        model = load(given.model, given.noise_level)
        results, problems = run(model, given.input, given.output, given.compare, given.max_pixels)
    except ValueError as error:
        sys.exit(f"apps.restore: {error}")
    if results:
        sheet = _write_sheet(results, pathlib.Path(given.output))
        compared = {str(r.name): r.compared for r in results if r.compared}
        if compared:
            tables.print_restored(compared)
        print(f"{len(results)} pictures are in {given.output}; look at {sheet} .")
    if problems:
        sys.exit(f"apps.restore: {len(problems)} problems, named above.")


if __name__ == "__main__":
    app.run(main)
