"""Trains a network, for restoration or on pairs of your own, and shows what it cost.

    python -m apps.train                                    # the preset `quick`
    python -m apps.train --preset=paper --strategy=multiscale
    python -m apps.train --seconds=180 --compare=single_scale
    python -m apps.train --dataset=folder --data_dir=PICTURES
    python -m apps.train --task=deblurring --network=unet --baseline
    python -m apps.train --data_dir=INPUTS --target_dir=TARGETS
    python -m apps.train --data_dir=PHOTOS --target_dir=MASKS --classes=11 --void=11

Leaves in --output: the SavedModel, with the weights of the best validation, a sheet of pictures
(restored.png or, of pairs, predicted.png), loss.png (validation loss against work units and
seconds), curves.json, and config.yaml, which repeats the run with --config. A run that was stopped
or killed goes on with the same command.
"""

from __future__ import annotations

import contextlib
import pathlib
from typing import TYPE_CHECKING, Any

from .experiment import flags
from .experiment.printable import printable
from .experiment.settings import Settings

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    from .experiment.kind import Judge, Kind
    from .experiment.outcome import Outcome
    from .experiment.unfinished import Unfinished
    from .strategies.strategy import Strategy

FILES = ("config.yaml", "curves.json", "decisions.json", "loss.png", "model.keras")


def run(settings: Settings) -> list[Outcome]:
    """Trains every strategy asked for and writes what there is to see.

    A run that was stopped goes on; see `--resume`. Of several hosts that train together, the chief
    writes; the others do as it does, and return what they trained.

    Returns:
        One outcome per strategy, the main one first, with the weights of its best validation.

    Raises:
        ValueError: If data, levels or budget do not fit together, the output cannot be written to,
            which is tried before training, or training diverged.
        StoppedError: If a signal asked to stop.
        ConnectionError: If another host is gone, or does not answer.
    """
    from .experiment import distribution

    with distribution.begun(settings) as writes:
        from . import strategies
        from .strategies.helping import help_the_chief

        chosen = strategies.chosen(settings)
        if writes:
            return _train_and_write(settings, chosen)
        return help_the_chief(settings, chosen, _output_of(settings))


def _train_and_write(settings: Settings, chosen: list[Strategy]) -> list[Outcome]:
    from .experiment import building, output_folder, started_alike, unfinished
    from .experiment.stopping import Signals

    kind, output = building.kind_of(settings), _output_of(settings)
    files = (*FILES, kind.sheet_name)
    formats = ("saved_model", *settings.portable)
    with Signals() as signals, contextlib.ExitStack() as stack:

        def begun() -> dict[str, Any]:
            """Takes hold of the folder, and says what its run is."""
            _check_tensorboard(settings)
            stack.enter_context(output_folder.held(output, files, formats))
            return unfinished.found(output, settings)

        content = started_alike.run_of(settings, begun)
        run = unfinished.Unfinished(output, settings, signals, content)
        try:
            return _run(settings, chosen, kind, output, run)
        finally:
            run.tidy()


def _output_of(settings: Settings) -> pathlib.Path:
    learned = settings.task.rpartition(":")[2] if settings.target_dir is None else "pairs"
    return pathlib.Path(settings.output or f"saved_models/trained/{learned}")


def _run(
    settings: Settings,
    chosen: list[Strategy],
    kind: Kind,
    output: pathlib.Path,
    unfinished: Unfinished,
) -> list[Outcome]:
    from .experiment import configuration

    for line in kind.scan():
        print(printable(line))
    images = kind.load("train")
    unfinished.begin(images)
    held_out = kind.held_out()
    validation = kind.validation(held_out)
    print(f"{len(images)} {kind.examples} to train on, {len(held_out)} others to validate on.")
    # Before training, so that what cannot be judged costs no training.
    judge = kind.judge(settings, validation, held_out)
    unfinished.start(held_out)
    configuration.write(settings, "train", output / "config.yaml")
    outcomes: list[Outcome] = []
    for strategy in chosen:
        print(f"\n== {strategy.name} ==", flush=True)
        _train(settings, strategy, kind, output, unfinished, (images, validation), outcomes)
    _write(output, settings, kind, judge, outcomes, unfinished)
    return outcomes


def _check_tensorboard(settings: Settings) -> None:
    """Refuses a folder for TensorBoard that cannot be written to, or to do without the package."""
    from keras_ms.callbacks.validation_images import check_tensorboard

    from .experiment import output_folder

    if settings.tensorboard is not None:
        check_tensorboard("--tensorboard")
        output_folder.probe(pathlib.Path(settings.tensorboard), "--tensorboard")


def _train(
    settings: Settings,
    strategy: Strategy,
    kind: Kind,
    output: pathlib.Path,
    unfinished: Unfinished,
    data: tuple[Any, Any],
    outcomes: list[Outcome],
) -> None:
    """Trains by a strategy, and writes what came of it before anything else can fail."""
    from keras_ms.callbacks import DivergedError

    from .experiment import building, model_files
    from .experiment.stopping import StoppedError
    from .strategies import kept_run

    try:
        outcome = kept_run.trained(strategy, unfinished, *data, output)
    except StoppedError as stop:
        left = _left(settings, strategy, kind, output, outcomes, data[1])
        text = f"stopped in {strategy.name}, which goes on with the same command. {left}"
        raise StoppedError(stop.number, text) from stop
    except DivergedError as error:
        left = _left(settings, strategy, kind, output, outcomes)
        raise ValueError(f"{error} {left}") from error
    except ConnectionError as error:  # another host is gone
        left = _left(settings, strategy, kind, output, outcomes)
        raise ConnectionError(f"{error} {left}") from error
    best = outcome.curve.take_best()
    outcomes.append(building.on_one_device(settings, outcome))
    if best is not None:
        print(f"Its weights are those of {model_files.described(best, outcome.curve, kind)}.")
    with unfinished.signals.held():
        if len(outcomes) == 1:
            model_files.export(settings, kind, outcomes, output)
        with contextlib.suppress(OSError):  # it is written again, and then it is said
            model_files.write_curves(settings, outcomes, {}, output / "curves.json")


def _left(
    settings: Settings,
    strategy: Strategy,
    kind: Kind,
    output: pathlib.Path,
    outcomes: list[Outcome],
    validation: Any = None,
) -> str:
    """Writes what there is of a strategy that has not come to its end, and says what that is."""
    from .experiment import model_files
    from .strategies import kept_run

    found = kept_run.unfinished_outcome(settings, strategy, validation)
    if found is None:
        return "There was no validation of it yet, so there is no model of it."
    best, curves = found.curve.take_best(True, found.model), output / "curves.json"
    with contextlib.suppress(OSError):
        model_files.write_curves(settings, [*outcomes, found], {}, curves, [strategy.name])
    if outcomes:
        return f"The model in {output / 'model'} is that of {outcomes[0].strategy}."
    if best is None or not kept_run.is_of_use(best.loss, strategy.saving):
        return "None of its validations is of use, so no model was exported."
    model_files.export(settings, kind, [found], output)
    which = model_files.described(best, found.curve, kind)
    return f"The model in {output / 'model'} has the weights of {which}."


def _write(
    output: pathlib.Path,
    settings: Settings,
    kind: Kind,
    judge: Judge,
    outcomes: list[Outcome],
    unfinished: Unfinished,
) -> None:
    from .experiment import model_files, next_steps, output_folder, plots, tables

    write = output_folder.Attempts()
    write(plots.save_curves, outcomes, kind.loss_name, output / "loss.png", kind.examples)
    reached = judge.table({outcome.strategy: outcome.model for outcome in outcomes})
    write(model_files.write_curves, settings, outcomes, reached, output / "curves.json")
    one = len(outcomes) == 1
    rows = judge.sheet({kind.made if one else o.label: o.model for o in outcomes})
    write(plots.save_sheet, rows, output / kind.sheet_name)
    print()
    tables.print_costs(outcomes, kind.loss_name, kind.examples, kind.loss_of)
    tables.print_metrics(outcomes, kind.examples)
    judge.print_table(reached, {outcome.strategy: outcome.label for outcome in outcomes})
    if not write.problems:  # else the same command writes them, and trains nothing again
        unfinished.remove()
    write.check(output)
    print(printable(next_steps.told(output, settings, kind, rows), kept="\n"))


def main() -> None:
    """Runs the app on the flags of the command line."""
    flags.start("train", Settings, run)


if __name__ == "__main__":
    main()
