"""Targets by name, found in their folder; nothing heavy is imported."""

from __future__ import annotations

import importlib

from ..experiment import choices
from .target import Target

ALL = "all"


def names() -> tuple[str, ...]:
    """Names of all targets, in alphabetical order."""
    return choices.targets()


def get(name: str) -> Target:
    """A target by name.

    Raises:
        ValueError: If there is none of that name, or it is not whole.
    """
    for file in sorted(choices.TARGETS.glob("*.py")):
        if name in choices.names_of(file):
            module = importlib.import_module(f".targets.{file.stem}", __package__)
            return _checked(name, getattr(module, module.NAMES[name], None))(name)
    raise ValueError(
        f"There is no such target. Received: --target={name}. Use one of {', '.join(names())}, or "
        f"{ALL}."
    )


def chosen(asked: tuple[str, ...]) -> list[Target]:
    """The targets of `--target`, each once."""
    return [get(name) for name in dict.fromkeys(names() if ALL in asked else asked)]


def _checked(name: str, found: object) -> type[Target]:
    if not isinstance(found, type) or not issubclass(found, Target):
        raise ValueError(
            f"A target is a class derived from Target. Received: {found!r} for {name!r}."
        )
    missing = [text for text in ("title", "makes", "costs") if not hasattr(found, text)]
    if missing := [*missing, *sorted(found.__abstractmethods__)]:
        raise ValueError(
            "A target has a title, says what it makes and costs, and has cells, tables and a plot. "
            f"Received: {found.__name__} without {', '.join(missing)}."
        )
    return found
