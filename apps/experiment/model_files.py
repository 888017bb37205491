"""The trained model and its curves as files, and words for which of its weights they are of."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras

import keras_ms
from keras_ms import safe_files

from .kind import Kind, Reached
from .options import as_dict
from .outcome import Outcome
from .printable import units_text
from .recording import Curve, Point
from .settings import Settings
from .tables import loss_label


def export(
    settings: Settings, kind: Kind, outcomes: Sequence[Outcome], output: pathlib.Path
) -> None:
    """Writes the first trained model: a SavedModel, and once that is safe the other formats.

    Raises:
        ValueError: If it cannot be exported; it is then kept as Keras keeps models, if it can be.
    """
    model, options = outcomes[0].model, kind.export_options()
    try:
        keras_ms.inference.export(model, output / "model", **options)
    except Exception as error:  # whatever the layers of a network of one's own raise
        kept_as = kept(model, output / "model.keras")
        with contextlib.suppress(OSError):  # the model's error is what counts
            write_curves(settings, outcomes, {}, output / "curves.json")
        raise ValueError(f"The trained model cannot be exported ({error}). {kept_as}") from error
    if settings.portable:
        formats = settings.portable
        keras_ms.inference.export(model, output / "model", formats=formats, **options)


def kept(model: keras.Model, path: pathlib.Path) -> str:
    """Saves a model that cannot be exported as Keras does; says what came of it."""
    try:
        with safe_files.whole(path) as unfinished:
            model.save(unfinished)
    except Exception as error:  # a full disk, or layers of a network of one's own
        return f"Nor can it be saved as {path} ({error})."
    return f"It is not lost: it is in {path}, for keras.saving.load_model."


def write_curves(
    settings: Settings,
    outcomes: Sequence[Outcome],
    reached: Reached,
    path: pathlib.Path,
    unfinished: Sequence[str] = (),
) -> None:
    """Writes what there is to know of the runs, as JSON.

    Args:
        settings: Their settings.
        outcomes: What came of them.
        reached: How good the models are, by strategy and by other ways.
        path: The file.
        unfinished: Strategies that were stopped.

    Raises:
        OSError: Naming the file, if it cannot be written.
    """
    ends = {o.strategy: o.curve.ends() for o in outcomes}
    content: dict[str, Any] = {
        "settings": as_dict(settings),
        "iterations": {o.strategy: o.iterations for o in outcomes},
        "curves": {o.strategy: _points(o.curve) for o in outcomes},
        "last": _of_ends(ends, 0),
        "best": _of_ends(ends, 1),
        "exported": {o.strategy: o.curve.best._asdict() for o in outcomes},
        "quality": {name: values._asdict() for name, values in reached.items()},
    }
    if unfinished:
        content["unfinished"] = list(unfinished)
    safe_files.write_json(path, content)


def described(point: Point, curve: Curve, kind: Kind) -> str:
    """Which validation the weights of a model are of, in words."""
    number = 1 + next(index for index, one in enumerate(curve.points) if one is point)
    return (
        f"validation {number} of {len(curve.points)}, the best: {loss_label(kind.loss_name)} "
        f"{point.loss:.4g} after {units_text(point.work_units)} work units, {point.seconds:.0f} s"
    )


def _points(curve: Curve) -> list[dict[str, float]]:
    both = zip(curve.points, curve.metrics, strict=True)
    return [{**point._asdict(), **metrics} for point, metrics in both]


def _of_ends(
    ends: Mapping[str, Mapping[str, tuple[float, float]]], which: int
) -> dict[str, dict[str, float]]:
    return {name: {k: values[which] for k, values in of.items()} for name, of in ends.items()}
