"""Trains a restoration network and shows what it cost.

    python -m apps.train                                    # the preset `quick`
    python -m apps.train --preset=paper --strategy=multiscale
    python -m apps.train --seconds=180 --compare=single_scale
    python -m apps.train --dataset=folder --data_dir=PICTURES

Leaves in --output: the SavedModel, restored.png (clean, noisy, restored), loss.png (validation
loss against work units and seconds) and curves.json.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
from collections.abc import Sequence

import keras
from absl import app, logging

from apps import experiment, exporting, flags, report
from apps.settings import PRESETS, Settings

PICTURE_T = 0.75  # noise of standard deviation (1 - t) / t / 2 = 1/6 of the range


def run(settings: Settings) -> list[experiment.Outcome]:
    """Trains every strategy asked for and writes what there is to see.

    Returns:
        One outcome per strategy, the main one first.

    Raises:
        ValueError: If data, levels or budget do not fit together.
    """
    keras.config.set_dtype_policy(settings.dtype_policy)
    images = experiment.load_images(settings, "train")
    held_out = experiment.load_images(settings, "validation")
    validation = experiment.make_validation(settings, held_out)
    print(f"{len(images)} photographs to train on, {len(held_out)} others to validate on.")
    outcomes = []
    for strategy in settings.strategies:
        print(f"\n== {strategy} ==", flush=True)
        outcomes.append(experiment.train(settings, strategy, images, validation))
    _write(settings, outcomes, held_out)
    return outcomes


def _write(settings: Settings, outcomes: list[experiment.Outcome], held_out: list) -> None:
    output = pathlib.Path(settings.output)
    output.mkdir(parents=True, exist_ok=True)
    exporting.export(outcomes[0].model, settings, output / "model")
    pictures = exporting.restore_noisy(output / "model", settings, held_out[-1], PICTURE_T)
    psnr = report.save_picture(pictures, output / "restored.png")
    report.save_plot(outcomes, output / "loss.png")
    _write_curves(settings, outcomes, output / "curves.json")
    print()
    report.print_table(outcomes, _batches(settings))
    print(
        f"A held-out photograph, noisy at {psnr['noisy']:.2f} dB, is restored to "
        f"{psnr['restored']:.2f} dB.\n\n"
        f"Look at  {output / 'restored.png'}  (clean, noisy, restored)\n"
        f"and at   {output / 'loss.png'}  (validation loss against work units and seconds).\n"
        f"The model is in {output / 'model'}: model = tf.saved_model.load(...) and then "
        "model.serve(pictures)\nrestores float pictures (batch, height, width, 3) in [0, 1] of "
        "any size.\n"
        "Next: python -m apps.train --help, or train on your own pictures with\n"
        "      --dataset=folder --data_dir=DIR."
    )


def _write_curves(
    settings: Settings, outcomes: list[experiment.Outcome], path: pathlib.Path
) -> None:
    curves = {o.strategy: [point._asdict() for point in o.curve.points] for o in outcomes}
    steps = {o.strategy: o.iterations for o in outcomes}
    content = {
        "settings": dataclasses.asdict(settings),
        "iterations": steps,
        "curves": curves,
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def _batches(settings: Settings) -> dict[str, str]:
    levels = ",".join(str(size) for size in settings.batch_sizes)
    return {
        strategy: str(settings.single_scale_batch) if strategy == "single_scale" else levels
        for strategy in settings.strategies
    }


def main(argv: Sequence[str]) -> None:
    """Reads the flags and runs; senseless settings end in one line that says what to mend."""
    logging.set_verbosity(logging.WARNING)
    try:
        if len(argv) > 1:
            raise ValueError(f"Options begin with --. Received: {' '.join(argv[1:])}.")
        run(flags.read(Settings, PRESETS))
    except ValueError as error:
        sys.exit(f"apps.train: {error}")


if __name__ == "__main__":
    flags.define(Settings, PRESETS)
    app.run(main)
