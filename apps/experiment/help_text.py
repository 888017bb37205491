"""What `--help` shows: an app's options, grouped by theme."""

from __future__ import annotations

import textwrap
import typing
from collections.abc import Sequence
from typing import Any

from .configuration import FLAG, HELP
from .options import has_presets, options_of
from .presets import PRESETS, described, shown

ASKED = {"help", "h", "?", "helpshort", "helpfull"}
PRESET = "Values of the options that are not given."
WIDTH, INDENT = 100, 6


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Whether `--help`, or what absl takes for it, is among the arguments."""
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(part.startswith("-") and part.lstrip("-") in ASKED for part in before)


def of_app(doc: str, settings: type) -> str:
    """The help of an app.

    Args:
        doc: What the app says of itself.
        settings: Class of its settings.
    """
    themes: dict[str, list[str]] = {}
    hints = typing.get_type_hints(settings)
    if has_presets(settings):
        usual, *others = PRESETS
        text = f"{PRESET} One of {', '.join((usual, *others))} (default: {usual})."
        themes["Preset"] = [_entry("--preset=NAME", text)]
    themes["Configuration"] = [_entry(f"--{FLAG}=FILE", HELP)]
    for field in options_of(settings):
        usage = _usage(field.name, hints[field.name])
        entry = _entry(usage, _text(field, usage.endswith("..."), has_presets(settings)))
        themes.setdefault(field.metadata["theme"], []).append(entry)
    parts = [doc.strip(), *(f"{theme}:\n" + "\n".join(found) for theme, found in themes.items())]
    return "\n\n".join(part for part in parts if part) + "\n"


def _text(field: Any, several: bool, with_presets: bool) -> str:
    choices, text = field.metadata["choices"], field.metadata["help"]
    if choices:
        text += f" {'Some' if several else 'One'} of {', '.join(choices)}."
    usual = (
        described(field.name, field.default) if with_presets else f"default: {shown(field.default)}"
    )
    return text if usual in ("default: None", "default: none") else f"{text} ({usual})"


def _entry(usage: str, text: str) -> str:
    indent = " " * INDENT
    filled = textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
    return f"  {usage}\n{filled}"


def _usage(name: str, hint: Any) -> str:
    kinds = (hint, *typing.get_args(hint))
    if bool in kinds:
        return f"--[no]{name}"
    kind_names = {int: "INTEGER", float: "NUMBER", str: "TEXT"}
    for kind in kinds:
        if typing.get_origin(kind) is tuple:
            return f"--{name}={kind_names[typing.get_args(kind)[0]]},..."
    return f"--{name}={next(kind_names[kind] for kind in kinds if kind in kind_names)}"
