"""Trains a restoration network and shows what it cost.

    python -m apps.train                                    # the preset `quick`
    python -m apps.train --preset=paper --strategy=multiscale
    python -m apps.train --seconds=180 --compare=single_scale
    python -m apps.train --dataset=folder --data_dir=PICTURES
    python -m apps.train --task=deblurring --network=unet --baseline

Leaves in --output: the SavedModel, restored.png (clean, degraded, restored), loss.png (validation
loss against work units and seconds) and curves.json.
"""

from __future__ import annotations

import json
import pathlib
import sys
from typing import TYPE_CHECKING

from .experiment import flags
from .experiment.command import IN_A_CLONE, as_typed
from .experiment.options import as_dict
from .experiment.settings import Settings

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    import keras
    import numpy as np

    from .experiment.outcome import Outcome
    from .experiment.quality import Pictures, Quality

SHEET_ROWS = 2
SHEET_ALIGNMENT = 12  # pixels; a multiple of every scale of super-resolution


def run(settings: Settings) -> list[Outcome]:
    """Trains every strategy asked for and writes what there is to see.

    Returns:
        One outcome per strategy, the main one first.

    Raises:
        ValueError: If data, levels or budget do not fit together.
    """
    from . import strategies
    from .experiment import building, precision, quality

    chosen = strategies.chosen(settings)
    output = _output_folder(settings)
    images = building.load_images(settings, "train")
    precision.set_policy(settings)
    held_out = list(building.load_images(settings, "validation"))
    validation = building.make_validation(settings, held_out)
    print(f"{len(images)} photographs to train on, {len(held_out)} others to validate on.")
    # Before training, so that a task which cannot do this costs no training.
    crops = quality.pictures_of(settings, validation)
    large = [image for image in held_out if min(image.shape[:2]) >= settings.image_size]
    sheet = [_middle_of(settings, image) for image in large[-SHEET_ROWS:]]
    outcomes = []
    for strategy in chosen:
        print(f"\n== {strategy.name} ==", flush=True)
        outcomes.append(strategy.train(settings, images, validation, output))
        if len(outcomes) == 1:
            _export(settings, outcomes[0].model, output)  # before anything else can fail
    _write(output, settings, outcomes, crops, sheet)
    return outcomes


def _output_folder(settings: Settings) -> pathlib.Path:
    output = pathlib.Path(settings.output or f"saved_models/trained/{settings.task}")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--output must be a folder. Received: {output} ({error}).") from error
    model = output / "model"
    empty = not model.exists() or (model.is_dir() and not any(model.iterdir()))
    if not empty and not (model / "saved_model.pb").is_file():
        raise ValueError(
            "--output holds something else where the trained model goes, which would be lost. "
            f"Received: {model}. Use another folder."
        )
    return output


def _export(settings: Settings, model: keras.Model, output: pathlib.Path) -> None:
    """Writes the trained model: a SavedModel, and once that is safe the other formats."""
    import keras_ms

    mean, std = settings.normalization_of_images
    try:
        keras_ms.inference.export(model, output / "model", mean, std)
    except Exception as error:  # whatever the layers of a network of one's own raise
        model.save(output / "model.keras")
        raise ValueError(
            f"The trained model cannot be exported ({error}). It is not lost: it is in "
            f"{output / 'model.keras'}, for keras.saving.load_model."
        ) from error
    if settings.portable:
        keras_ms.inference.export(model, output / "model", mean, std, settings.portable)


def _write(
    output: pathlib.Path,
    settings: Settings,
    outcomes: list[Outcome],
    crops: Pictures,
    sheet: list[Pictures],
) -> None:
    from .experiment import plots, quality, tables

    _write_curves(settings, outcomes, {}, output / "curves.json")
    plots.save_curves(outcomes, settings.loss, output / "loss.png")
    models = {outcome.strategy: outcome.model for outcome in outcomes}
    reached = quality.table_of(settings, models, crops)
    _write_curves(settings, outcomes, reached, output / "curves.json")
    rows = [_row(settings, outcomes[0].model, pictures) for pictures in sheet]
    plots.save_sheet(rows, output / "restored.png")
    print()
    tables.print_costs(outcomes, settings.loss)
    tables.print_quality(reached, {outcome.strategy: outcome.label for outcome in outcomes})
    print(
        f"Look at  {output / 'restored.png'}  (clean, degraded, restored)\n"
        f"and at   {output / 'loss.png'}  (validation loss against work units and seconds).\n"
        f"The model is in {output / 'model'}: model = tf.saved_model.load(...) and then "
        "model(pictures)\nrestores pictures (batch, height, width, channels), uint8 or floats in "
        "[0, 1], of any size.\n"
        f"Next: {_restore()} --model={output / 'model'} --input=PICTURES --output=RESTORED,\n"
        "      or train on your own pictures with --dataset=folder --data_dir=DIR."
    )


def _restore() -> str:
    """The command that restores, as a user would type it from here."""
    if not IN_A_CLONE:
        return as_typed("apps.restore")
    python, here = pathlib.Path(sys.executable), pathlib.Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shown} -m apps.restore"


def _middle_of(settings: Settings, picture: np.ndarray) -> Pictures:
    """The middle of a held-out photograph: clean, degraded, perhaps restored classically."""
    import numpy as np

    from .experiment import quality

    mean, std = (np.array(values, "float32") for values in settings.normalization_of_images)
    height, width = (_middle(side, settings.image_size) for side in picture.shape[:2])
    white = {"uint8": 255.0, "uint16": 65535.0}.get(picture.dtype.name, 1.0)
    scaled = picture[height, width] / np.float32(white)
    clean = ((scaled - mean) / std)[np.newaxis].astype("float32")
    return quality.make_pictures(settings, clean, settings.baseline)


def _row(settings: Settings, model: keras.Model, made: Pictures) -> dict[str, np.ndarray]:
    """A row of the sheet: one photograph, as it is and as it is restored, by title."""
    from .experiment import baselines, quality

    row = {"clean": made.clean, "degraded": made.degraded}
    if made.classical is not None:
        row[baselines.NAMES[settings.task]] = made.classical
    row["restored"] = quality.restored_by(model, settings, made)
    return {title: pictures[0] for title, pictures in row.items()}


def _middle(side: int, image_size: int) -> slice:
    # As large as what was trained on, since inpainting's holes grow with the picture.
    shown = min(side, image_size + SHEET_ALIGNMENT)
    shown -= shown % SHEET_ALIGNMENT
    return slice((side - shown) // 2, (side - shown) // 2 + shown)


def _write_curves(
    settings: Settings,
    outcomes: list[Outcome],
    reached: dict[str, Quality],
    path: pathlib.Path,
) -> None:
    curves = {o.strategy: [point._asdict() for point in o.curve.points] for o in outcomes}
    planned = {o.strategy: o.iterations for o in outcomes}
    content = {
        "settings": as_dict(settings),
        "iterations": planned,
        "curves": curves,
        "quality": {name: values._asdict() for name, values in reached.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("train", Settings, run)


if __name__ == "__main__":
    main()
