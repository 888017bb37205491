"""Which names there are, read from source files without importing them.

A module that offers things by name says so in a literal, `NAMES = {"name": "Attribute", ...}`.
Importing the modules would load TensorFlow, which takes seconds; `--help` is to be quick.
"""

from __future__ import annotations

import ast
import importlib.util
import pathlib
from collections.abc import Iterable
from typing import Any

STRATEGIES = pathlib.Path(__file__).parents[1] / "strategies"


def names_in(*folders: pathlib.Path | str) -> tuple[str, ...]:
    """The names that the modules of some folders offer, in alphabetical order."""
    files = (file for folder in folders for file in pathlib.Path(folder).glob("*.py"))
    return tuple(sorted(name for file in files for name in literal(file, "NAMES", {})))


def literal(file: pathlib.Path, name: str, otherwise: Any) -> Any:
    """The value of a module-level constant that is written as a literal.

    Args:
        file: The module's source.
        name: Name of the constant.
        otherwise: What to return if there is none, or it is no literal.
    """
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if name in _assigned(statement) and isinstance(statement, ast.Assign | ast.AnnAssign):
            try:
                return ast.literal_eval(statement.value)  # type: ignore[arg-type]
            except (TypeError, ValueError):
                return otherwise
    return otherwise


def _assigned(statement: ast.stmt) -> list[str]:
    targets: Iterable[ast.expr] = ()
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets = (statement.target,)
    return [target.id for target in targets if isinstance(target, ast.Name)]


def of_library(*path: str) -> tuple[str, ...]:
    """The names that a package of keras_ms offers.

    Args:
        *path: Folders below `keras_ms`, such as `"tasks"`.
    """
    return names_in(_library().joinpath(*path))


def constant_of_library(path: str, name: str) -> tuple[str, ...]:
    """A tuple of strings that a module of keras_ms defines as a literal.

    Args:
        path: The module's file below `keras_ms`.
        name: The constant.
    """
    return literal(_library() / path, name, ())


def strategies() -> tuple[str, ...]:
    """The names of the training strategies."""
    return names_in(STRATEGIES)


def _library() -> pathlib.Path:
    found = importlib.util.find_spec("keras_ms")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The apps need keras_ms, which is not installed.")
    return pathlib.Path(found.origin).parent
