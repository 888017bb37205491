"""What a training run says at its end: what there is to see, and what to do next."""

from __future__ import annotations

import pathlib
import sys
from typing import TYPE_CHECKING, Any

from .command import IN_A_CLONE, as_typed
from .settings import Settings

if TYPE_CHECKING:  # else `--help` would take as long as loading TensorFlow
    from .kind import Kind


def told(output: pathlib.Path, settings: Settings, kind: Kind, rows: list[dict[str, Any]]) -> str:
    """What there is to see, and what to do next.

    Args:
        output: Folder of the run.
        settings: Its settings.
        kind: What was learned.
        rows: Of the sheet.
    """
    text = (
        f"Look at  {output / kind.sheet_name}  ({', '.join(rows[0])})\n"
        f"and at   {output / 'loss.png'}  (validation loss against work units and seconds).\n"
        f"The model is in {output / 'model'}: model = tf.saved_model.load(...) and then "
        f"{_call(kind)}\n{kind.usage()}"
    )
    if settings.target_dir is None:
        return text + "\n" + _next(settings, kind, output / "model")
    made = "RESTORED" if settings.classes is None else "MASKS"
    return f"{text}\nNext: {_restore()} --model={output / 'model'} --input=PICTURES --output={made}"


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
