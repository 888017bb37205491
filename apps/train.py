"""Trains a network, for restoration or on pairs of your own, and shows what it cost.

    python -m apps.train                                    # the preset `quick`
    python -m apps.train --preset=paper --strategy=multiscale
    python -m apps.train --seconds=180 --compare=single_scale
    python -m apps.train --dataset=folder --data_dir=PICTURES
    python -m apps.train --task=deblurring --network=unet --baseline
    python -m apps.train --data_dir=INPUTS --target_dir=TARGETS
    python -m apps.train --data_dir=PHOTOS --target_dir=MASKS --classes=11 --void=11

Leaves in --output: the SavedModel, a sheet of pictures (restored.png or, of pairs, predicted.png),
loss.png (validation loss against work units and seconds) and curves.json.
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

    from .experiment.kind import Judge, Kind, Reached
    from .experiment.outcome import Outcome


def run(settings: Settings) -> list[Outcome]:
    """Trains every strategy asked for and writes what there is to see.

    Returns:
        One outcome per strategy, the main one first.

    Raises:
        ValueError: If data, levels or budget do not fit together.
    """
    from . import strategies
    from .experiment import building, precision

    chosen = strategies.chosen(settings)
    output = _output_folder(settings)
    kind = building.kind_of(settings)
    images = kind.load("train")
    precision.set_policy(settings)
    held_out = kind.held_out()
    validation = kind.validation(held_out)
    print(f"{len(images)} {kind.examples} to train on, {len(held_out)} others to validate on.")
    # Before training, so that what cannot be judged costs no training.
    judge = kind.judge(settings, validation, held_out)
    outcomes = []
    for strategy in chosen:
        print(f"\n== {strategy.name} ==", flush=True)
        outcomes.append(strategy.train(settings, images, validation, output))
        if len(outcomes) == 1:
            _export(settings, kind, outcomes[0].model, output)  # before anything else can fail
    _write(output, settings, kind, judge, outcomes)
    return outcomes


def _output_folder(settings: Settings) -> pathlib.Path:
    learned = settings.task if settings.target_dir is None else "pairs"
    output = pathlib.Path(settings.output or f"saved_models/trained/{learned}")
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


def _export(settings: Settings, kind: Kind, model: keras.Model, output: pathlib.Path) -> None:
    """Writes the trained model: a SavedModel, and once that is safe the other formats."""
    import keras_ms

    options = kind.export_options()
    try:
        keras_ms.inference.export(model, output / "model", **options)
    except Exception as error:  # whatever the layers of a network of one's own raise
        model.save(output / "model.keras")
        raise ValueError(
            f"The trained model cannot be exported ({error}). It is not lost: it is in "
            f"{output / 'model.keras'}, for keras.saving.load_model."
        ) from error
    if settings.portable:
        formats = settings.portable
        keras_ms.inference.export(model, output / "model", formats=formats, **options)


def _write(
    output: pathlib.Path, settings: Settings, kind: Kind, judge: Judge, outcomes: list[Outcome]
) -> None:
    from .experiment import plots, tables

    _write_curves(settings, outcomes, {}, output / "curves.json")
    plots.save_curves(outcomes, kind.loss_name, output / "loss.png", kind.examples)
    reached = judge.table({outcome.strategy: outcome.model for outcome in outcomes})
    _write_curves(settings, outcomes, reached, output / "curves.json")
    one = len(outcomes) == 1
    rows = judge.sheet({kind.made if one else o.label: o.model for o in outcomes})
    plots.save_sheet(rows, output / kind.sheet_name)
    print()
    tables.print_costs(outcomes, kind.loss_name, kind.examples, kind.loss_of)
    tables.print_metrics(outcomes, kind.examples)
    judge.print_table(reached, {outcome.strategy: outcome.label for outcome in outcomes})
    print(
        f"Look at  {output / kind.sheet_name}  ({', '.join(rows[0])})\n"
        f"and at   {output / 'loss.png'}  (validation loss against work units and seconds).\n"
        f"The model is in {output / 'model'}: model = tf.saved_model.load(...) and then "
        f"{_call(kind)}\n{kind.usage()}"
    )
    if settings.target_dir is None:
        print(_next(settings, kind, output / "model"))


def _call(kind: Kind) -> str:
    return "model(pictures, t)" if kind.conditional else "model(pictures)"


def _next(settings: Settings, kind: Kind, model: pathlib.Path) -> str:
    """What to do with the trained model, and what else to train on."""
    told = " --noise_level=T" if kind.conditional else ""
    others = ["pairs of inputs and targets with --data_dir=INPUTS --target_dir=TARGETS"]
    if settings.dataset != "folder":
        others.insert(0, "your own pictures with --dataset=folder --data_dir=DIR")
    joined = ",\n      or on ".join(others)
    return (
        f"Next: {_restore()} --model={model} --input=PICTURES --output=RESTORED{told},\n"
        f"      or train on {joined}."
    )


def _restore() -> str:
    """The command that restores, as a user would type it from here."""
    if not IN_A_CLONE:
        return as_typed("apps.restore")
    python, here = pathlib.Path(sys.executable), pathlib.Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shown} -m apps.restore"


def _write_curves(
    settings: Settings,
    outcomes: list[Outcome],
    reached: Reached,
    path: pathlib.Path,
) -> None:
    curves = {
        o.strategy: [
            {**point._asdict(), **metrics}
            for point, metrics in zip(o.curve.points, o.curve.metrics, strict=True)
        ]
        for o in outcomes
    }
    ends = {o.strategy: o.curve.ends() for o in outcomes}
    planned = {o.strategy: o.iterations for o in outcomes}
    content = {
        "settings": as_dict(settings),
        "iterations": planned,
        "curves": curves,
        "last": {name: {k: last for k, (last, _) in of.items()} for name, of in ends.items()},
        "best": {name: {k: best for k, (_, best) in of.items()} for name, of in ends.items()},
        "quality": {name: values._asdict() for name, values in reached.items()},
    }
    path.write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("train", Settings, run)


if __name__ == "__main__":
    main()
