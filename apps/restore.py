"""Restores photographs with an exported model.

    python -m apps.restore --model=saved_models/denoising --input=PHOTO_OR_FOLDER --output=DIR
    python -m apps.restore --model=... --input=DEGRADED --output=DIR --compare=CLEAN

Pictures keep their names, formats, orientation and alpha. Those of more than --max_pixels are
restored in tiles. Unreadable files are named and skipped, and the exit status is then 1.
"""

from __future__ import annotations

import functools
import json
import pathlib
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from absl import app, flags, logging

import keras_ms
from apps import pictures, quality, report, tiling

SHEET_ROWS = 6

flags.DEFINE_string("model", None, "SavedModel that apps.train exported.")
flags.DEFINE_string("input", None, "A picture, or a folder of pictures, searched recursively.")
flags.DEFINE_string("output", None, "Folder to write to.")
flags.DEFINE_string("compare", None, "Folder of clean pictures of the same names, for PSNR, SSIM.")
flags.DEFINE_float("noise_level", None, "t, for a model that is told the noise level.")
flags.DEFINE_integer("max_pixels", 1_000_000, "Larger pictures are restored in tiles.", 1024)


class Model(NamedTuple):
    """A loaded model and what to know about it."""

    restore: Any
    scale: int
    reach: int | None


class Result(NamedTuple):
    """One restored picture: its row of the sheet, and its quality before and after if known."""

    name: str
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
        ValueError: If there is nothing to read, or the originals would be overwritten.
    """
    from rich.progress import track

    root, files = _files(source)
    target = pathlib.Path(output)
    if target.resolve() == root.resolve():
        raise ValueError(f"--output would overwrite the originals. Received: --output={output}.")
    results: list[Result] = []
    problems: list[str] = []
    for path in track(files, "Restoring", disable=not sys.stdout.isatty()):
        name = path.relative_to(root)
        try:
            results.append(
                _restore_one(model, path, target / name, _clean(compare, name), max_pixels)
            )
        except ValueError as error:
            problems.append(str(error))
            print(f"Skipped: {error}", file=sys.stderr, flush=True)
        if len(results) > SHEET_ROWS:
            results[-1] = results[-1]._replace(row={})
    return results, problems


def _files(source: str) -> tuple[pathlib.Path, list[pathlib.Path]]:
    path = pathlib.Path(source).expanduser()
    if path.is_file():
        return path.parent, [path]
    return path, keras_ms.data.image_files(path)


def _clean(compare: str | None, name: pathlib.Path) -> pathlib.Path | None:
    if compare is None:
        return None
    exact = pathlib.Path(compare) / name
    alike = sorted(exact.parent.glob(f"{exact.stem}.*"))
    if not exact.is_file() and not alike:
        raise ValueError(f"{name}: no clean picture of this name in {compare}.")
    return exact if exact.is_file() else alike[0]


def _restore_one(
    model: Model,
    path: pathlib.Path,
    target: pathlib.Path,
    clean_path: pathlib.Path | None,
    max_pixels: int,
) -> Result:
    picture = pictures.read(path)
    restored = tiling.restore(picture.pixels, model.restore, model.scale, model.reach, max_pixels)
    pictures.write(restored, picture, target)
    row = {"input": _floats(picture.pixels), "restored": _floats(restored)}
    if clean_path is None:
        return Result(path.name, row, None)
    clean = _floats(pictures.read(clean_path).pixels)
    if clean.shape != row["restored"].shape:
        raise ValueError(
            f"{clean_path}: is {clean.shape[:2]}, the restored picture {restored.shape[:2]}."
        )
    enlarged = row["input"].repeat(model.scale, 0).repeat(model.scale, 1)
    whole = clean[np.newaxis]
    before = quality.measure(whole, enlarged[np.newaxis])
    after = quality.measure(whole, row["restored"][np.newaxis])
    return Result(path.name, {"clean": clean, **row}, (before, after))


def _floats(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype("float32") / (255.0 if pixels.dtype == np.uint8 else 1.0)


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
    sheet = pathlib.Path(given.output) / "comparison.png"
    if results:
        report.save_sheet([result.row for result in results[:SHEET_ROWS]], sheet)
        if given.compare:
            report.print_restored({r.name: r.compared for r in results if r.compared})
        print(f"{len(results)} pictures are in {given.output}; look at {sheet} .")
    if problems:
        sys.exit(f"apps.restore: {len(problems)} files were skipped, named above.")


if __name__ == "__main__":
    app.run(main)
