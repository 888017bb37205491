"""absl flags made from the fields of a settings dataclass."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

from absl import flags


def define(settings: type, presets: dict[str, dict[str, Any]]) -> None:
    """Defines `--preset` and one flag per field; a flag that is not given follows the preset."""
    flags.DEFINE_enum("preset", next(iter(presets)), list(presets), "Values of flags not given.")
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        text = f"{field.metadata['help']} ({_presets_text(field, presets)})"
        _define_one(field.name, hints[field.name], text, field.metadata["choices"])


def read(settings: type, presets: dict[str, dict[str, Any]]) -> Any:
    """Returns the settings that the command line asks for.

    Raises:
        ValueError: If a list flag holds something that is not a number, or the settings make no
            sense together.
    """
    values = dict(presets[flags.FLAGS.preset])
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        given = flags.FLAGS[field.name].value
        if given is not None:
            values[field.name] = _converted(field.name, hints[field.name], given)
    return settings(**values)


def _presets_text(field: dataclasses.Field[Any], presets: dict[str, dict[str, Any]]) -> str:
    values = {name: preset.get(field.name, field.default) for name, preset in presets.items()}
    if len({str(value) for value in values.values()}) == 1:
        return f"default: {_shown(field.default)}"
    return ", ".join(f"{name}: {_shown(value)}" for name, value in values.items())


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)


def _define_one(name: str, hint: Any, text: str, choices: tuple[str, ...] | None) -> None:
    kinds = (hint, *typing.get_args(hint))
    if choices is not None:
        flags.DEFINE_enum(name, None, list(choices), text)
    elif typing.get_origin(hint) is tuple:
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
    if typing.get_origin(hint) is not tuple:
        return given
    kind = typing.get_args(hint)[0]
    try:
        return tuple(kind(part.strip()) for part in given)
    except ValueError as error:
        raise ValueError(
            f"--{name} is a list of {kind.__name__}s separated by commas. "
            f"Received: --{name}={','.join(given)}."
        ) from error
