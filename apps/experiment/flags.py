"""absl flags made from the fields of a settings dataclass."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Callable, Sequence
from typing import Any

from absl import app, flags, logging

from . import presets


def start(name: str, settings: type, run: Callable[[Any], object]) -> None:
    """Runs an app on the settings of the command line.

    Senseless settings end in one line that says what to mend.

    Args:
        name: The app's module within `apps`, for that line.
        settings: Class of its settings.
        run: The app, a function of the settings.
    """

    def main(argv: Sequence[str]) -> None:
        logging.set_verbosity(logging.WARNING)
        try:
            if len(argv) > 1:
                raise ValueError(f"Options begin with --. Received: {' '.join(argv[1:])}.")
            run(read(settings))
        except ValueError as error:
            sys.exit(f"apps.{name}: {error}")

    define(settings)
    for flag in flags.FLAGS.get_key_flags_for_module(__name__):  # so that --help shows them
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)
    app.run(main)


def define(settings: type) -> None:
    """Defines `--preset` and one flag per field; a flag that is not given follows the preset."""
    names = list(presets.PRESETS)
    flags.DEFINE_enum("preset", names[0], names, "Values of flags not given.")
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        text = f"{field.metadata['help']} ({presets.described(field.name, field.default)})"
        _define_one(field.name, hints[field.name], text, field.metadata["choices"])


def read(settings: type) -> Any:
    """Returns the settings that the command line asks for.

    Raises:
        ValueError: If a list flag holds something that is not a number, or the settings make no
            sense together.
    """
    given = {}
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        value = flags.FLAGS[field.name].value
        if value is not None:
            given[field.name] = _converted(field.name, hints[field.name], value)
    return make(settings, flags.FLAGS.preset, **given)


def make(settings: type, preset: str, **given: Any) -> Any:
    """Returns settings of a preset with some values given."""
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    if "tasks" in defaults:  # several problems, each of which takes its own part of a preset
        return settings(**given)
    chosen = {**defaults, **given}
    values = presets.values(preset, chosen["task"], chosen["network"])
    return settings(**{**{name: values[name] for name in values if name in defaults}, **given})


def _define_one(name: str, hint: Any, text: str, choices: tuple[str, ...] | None) -> None:
    kinds = (hint, *typing.get_args(hint))
    if choices is not None:
        flags.DEFINE_enum(name, None, list(choices), text)
    elif any(typing.get_origin(kind) is tuple for kind in kinds):
        flags.DEFINE_list(name, None, text)
    elif bool in kinds:
        flags.DEFINE_bool(name, None, text)
    elif int in kinds:
        flags.DEFINE_integer(name, None, text)
    elif float in kinds:
        flags.DEFINE_float(name, None, text)
    else:
        flags.DEFINE_string(name, None, text)


def _converted(name: str, hint: Any, given: Any) -> Any:
    if not isinstance(given, list):
        return given
    # The hint is `tuple[kind, ...]` or `tuple[kind, ...] | None`.
    listed = hint if typing.get_origin(hint) is tuple else typing.get_args(hint)[0]
    kind = typing.get_args(listed)[0]
    try:
        return tuple(kind(part.strip()) for part in given)
    except ValueError as error:
        raise ValueError(
            f"--{name} is a list of {kind.__name__}s separated by commas. "
            f"Received: --{name}={','.join(given)}."
        ) from error
