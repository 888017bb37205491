"""Options of an app: fields of a frozen dataclass, each of which is a flag."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection
from typing import Any, TypeVar

T = TypeVar("T")


def option(
    default: Any,
    help_text: str,
    choices: tuple[str, ...] | None = None,
    theme: str = "Options",
    own: bool = False,
) -> Any:
    """A field of settings, which becomes a flag.

    Args:
        default: Its value if it is not given.
        help_text: One or two sentences for `--help`.
        choices: The values it may have, or `None` for any; an empty tuple if they are not known
            without loading what offers them.
        theme: Heading that `--help` shows it under.
        own: Whether it may also be "module:attribute", something of the user's.
    """
    metadata = {"help": help_text, "choices": choices, "theme": theme, "own": own}
    return dataclasses.field(default=default, metadata=metadata)


def remembered() -> Any:
    """A field that is no flag: what is known of how the settings were made."""
    return dataclasses.field(default=None, repr=False, compare=False)


def options_of(settings: Any) -> list[dataclasses.Field[Any]]:
    """The fields of a settings class, or of settings, that are options of the app.

    Options that a class inherits, but its app does not look at, are named in its `UNUSED`.
    """
    unused = getattr(settings, "UNUSED", ())
    fields = dataclasses.fields(settings)
    return [field for field in fields if "help" in field.metadata and field.name not in unused]


def has_presets(settings: Any) -> bool:
    """Whether options of a settings class have values by preset."""
    names = {field.name for field in dataclasses.fields(settings)}
    return "preset" in names - {*getattr(settings, "UNUSED", ())}


def has_several_problems(settings: Any) -> bool:
    """Whether an app of such settings goes through several problems, each with its own options."""
    return bool({"tasks", "problems"} & {field.name for field in dataclasses.fields(settings)})


def as_dict(settings: Any) -> dict[str, Any]:
    """The values of all options by name."""
    return {field.name: getattr(settings, field.name) for field in options_of(settings)}


def replaced(settings: T, **changes: Any) -> T:
    """Settings with some options changed; these count as given from now on."""
    if (given := getattr(settings, "given", None)) is not None:
        changes = {**changes, "given": tuple(dict.fromkeys((*given, *changes)))}
    return dataclasses.replace(settings, **changes)  # type: ignore[type-var]


def check_positive(settings: Any, *names: str) -> None:
    """Raises `ValueError` unless the settings named, if given, are positive and finite."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and not 0.0 < value < math.inf:
            raise ValueError(f"--{name} must be positive and finite. Received: --{name}={value:g}.")


def check_counts(settings: Any, *names: str) -> None:
    """Raises `ValueError` unless the settings named, if given, are at least 1."""
    for name in names:
        value = getattr(settings, name)
        if value is not None and value < 1:
            raise ValueError(f"--{name} must be positive. Received: --{name}={value}.")


def check_range(settings: Any, name: str) -> None:
    """Raises `ValueError` unless an option, if given, is two numbers, the smaller one first."""
    value = getattr(settings, name)
    if value is None:
        return
    if len(value) != 2 or not -math.inf < value[0] < value[1] < math.inf:
        raise ValueError(
            f"--{name} is two numbers, the smaller one first. Received: --{name}={listed(value)}."
        )


def check_choice(settings: Any, name: str, allowed: Collection[str]) -> None:
    """Raises `ValueError` unless an option, or every entry of a list, is one that is allowed."""
    value = getattr(settings, name)
    several = isinstance(value, tuple)
    wrong = [entry for entry in (value if several else (value,)) if entry not in allowed]
    if wrong:
        raise ValueError(
            f"--{name} {'takes some' if several else 'is one'} of {', '.join(allowed)}. "
            f"Received: {', '.join(map(str, wrong))}."
        )


def listed(values: Collection[Any]) -> str:
    """Values as they are written on the command line."""
    return ",".join(str(value) for value in values)
