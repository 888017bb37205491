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

import contextlib
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from .experiment import flags
from .experiment.command import IN_A_CLONE, as_typed
from .experiment.options import as_dict
from .experiment.printable import printable
from .experiment.settings import Settings

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    import keras

    from .experiment.kind import Judge, Kind, Reached
    from .experiment.outcome import Outcome


def run(settings: Settings) -> list[Outcome]:
    """Trains every strategy asked for and writes what there is to see.

    Of several hosts that train together, the chief writes; the others return what they trained.

    Returns:
        One outcome per strategy, the main one first.

    Raises:
        ValueError: If data, levels or budget do not fit together, or the output cannot be written
            to, which is tried before training.
        ConnectionError: If another host is gone, or does not answer.
    """
    from .experiment import distribution

    with distribution.begun(settings) as writes:
        return _train_and_write(settings) if writes else _help_the_chief(settings)


def _help_the_chief(settings: Settings) -> list[Outcome]:
    """Takes the same steps as the chief, and writes nothing."""
    from . import strategies
    from .experiment import building, precision

    chosen = strategies.chosen(settings)
    kind = building.kind_of(settings)
    images = kind.load("train")
    precision.set_policy(settings)
    validation = kind.validation(kind.held_out())
    return [strategy.train(settings, images, validation) for strategy in chosen]


def _train_and_write(settings: Settings) -> list[Outcome]:
    from . import strategies
    from .experiment import building, output_folder, precision

    chosen = strategies.chosen(settings)
    kind = building.kind_of(settings)
    files = ("curves.json", "decisions.json", "loss.png", "model.keras", kind.sheet_name)
    formats = ("saved_model", *settings.portable)
    with output_folder.held(_output_of(settings), files, formats) as output:
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
            outcome = strategy.train(settings, images, validation, output)
            outcomes.append(building.on_one_device(settings, outcome))
            if len(outcomes) == 1:  # before anything else can fail
                _export(settings, kind, outcomes, output)
        _write(output, settings, kind, judge, outcomes)
    return outcomes


def _output_of(settings: Settings) -> pathlib.Path:
    learned = settings.task if settings.target_dir is None else "pairs"
    return pathlib.Path(settings.output or f"saved_models/trained/{learned}")


def _export(settings: Settings, kind: Kind, outcomes: list[Outcome], output: pathlib.Path) -> None:
    """Writes the trained model: a SavedModel, and once that is safe the other formats."""
    import keras_ms

    model, options = outcomes[0].model, kind.export_options()
    try:
        keras_ms.inference.export(model, output / "model", **options)
    except Exception as error:  # whatever the layers of a network of one's own raise
        kept = _kept(model, output / "model.keras")
        with contextlib.suppress(OSError):  # the model's error is what counts
            _write_curves(settings, outcomes, {}, output / "curves.json")
        raise ValueError(f"The trained model cannot be exported ({error}). {kept}") from error
    if settings.portable:
        formats = settings.portable
        keras_ms.inference.export(model, output / "model", formats=formats, **options)


def _kept(model: keras.Model, path: pathlib.Path) -> str:
    """Saves a model that cannot be exported as Keras does; says what came of it."""
    from keras_ms import safe_files

    try:
        with safe_files.whole(path) as unfinished:
            model.save(unfinished)
    except Exception as error:  # a full disk, or layers of a network of one's own
        return f"Nor can it be saved as {path} ({error})."
    return f"It is not lost: it is in {path}, for keras.saving.load_model."


def _write(
    output: pathlib.Path, settings: Settings, kind: Kind, judge: Judge, outcomes: list[Outcome]
) -> None:
    from .experiment import output_folder, plots, tables

    write = output_folder.Attempts()
    write(_write_curves, settings, outcomes, {}, output / "curves.json")
    write(plots.save_curves, outcomes, kind.loss_name, output / "loss.png", kind.examples)
    reached = judge.table({outcome.strategy: outcome.model for outcome in outcomes})
    write(_write_curves, settings, outcomes, reached, output / "curves.json")
    one = len(outcomes) == 1
    rows = judge.sheet({kind.made if one else o.label: o.model for o in outcomes})
    write(plots.save_sheet, rows, output / kind.sheet_name)
    print()
    tables.print_costs(outcomes, kind.loss_name, kind.examples, kind.loss_of)
    tables.print_metrics(outcomes, kind.examples)
    judge.print_table(reached, {outcome.strategy: outcome.label for outcome in outcomes})
    write.check(output)
    print(printable(_told(output, settings, kind, rows), kept="\n"))


def _told(output: pathlib.Path, settings: Settings, kind: Kind, rows: list[dict[str, Any]]) -> str:
    """What there is to see, and what to do next."""
    text = (
        f"Look at  {output / kind.sheet_name}  ({', '.join(rows[0])})\n"
        f"and at   {output / 'loss.png'}  (validation loss against work units and seconds).\n"
        f"The model is in {output / 'model'}: model = tf.saved_model.load(...) and then "
        f"{_call(kind)}\n{kind.usage()}"
    )
    if settings.target_dir is None:
        text += "\n" + _next(settings, kind, output / "model")
    return text


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
    from keras_ms import safe_files

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
    safe_files.write_json(path, content)


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("train", Settings, run)


if __name__ == "__main__":
    main()
