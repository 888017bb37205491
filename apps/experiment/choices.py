"""Which names there are, read from source files without importing them.

A module that offers things by name says so in a literal, `NAMES = {"name": "Attribute", ...}`.
Importing the modules would load TensorFlow, which takes seconds; `--help` is to be quick.

Choices are needed while modules of apps are imported, too early to tell a user about a file that
cannot be read. Such a file is passed over then, and `check` refuses it when an app starts.
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import pathlib
from collections.abc import Iterable
from typing import Any

APPS = pathlib.Path(__file__).parents[1]
STRATEGIES, TARGETS = APPS / "strategies", APPS / "reproduce" / "targets"
ROOMS = (("tasks",), ("networks",), ("data", "sources"))  # of the library, that offer by name


def names_in(*folders: pathlib.Path | str) -> tuple[str, ...]:
    """The names that the modules of some folders offer, in alphabetical order.

    Raises:
        ValueError: If a file has an error of syntax, or NAMES that cannot be read from it.
    """
    return tuple(sorted(name for file in _files(folders) for name in names_of(file)))


def names_of(file: pathlib.Path) -> tuple[str, ...]:
    """The names that a module offers.

    Args:
        file: The module's source.

    Raises:
        ValueError: If it has an error of syntax, or its NAMES is anything but one dictionary of
            strings, written out.
    """
    try:
        body = ast.parse(file.read_text(encoding="utf-8"), str(file)).body
    except (SyntaxError, UnicodeDecodeError) as error:
        raise ValueError(
            f"A file that may offer NAMES cannot be read. Received: {file} ({error}). Mend it."
        ) from error
    changes = [statement for statement in body if _changes(statement, "NAMES")]
    if not changes:
        return ()
    names = literal(file, "NAMES", None) if len(changes) == 1 else None
    if not isinstance(names, dict) or not all(
        isinstance(part, str) for part in (*names, *names.values())
    ):
        raise ValueError(
            "NAMES is read from the file without running it, so it must be one dictionary of "
            f"strings, written out. Received: {file}, line {changes[-1].lineno}. "
            'Use for example NAMES = {"my_name": "MyClass"}.'
        )
    return tuple(names)


def check() -> None:
    """Refuses files that offer something, but cannot be read.

    Raises:
        ValueError: As `names_in`.
    """
    names_in(*(_library().joinpath(*room) for room in ROOMS), STRATEGIES, TARGETS)


def _changes(statement: ast.stmt, name: str) -> bool:
    """Whether a statement of a module gives a value to a name, or changes it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    return any(_stores(node, name) for node in ast.walk(statement))


def _stores(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.alias):
        return (node.asname or node.name) == name
    if not isinstance(getattr(node, "ctx", None), ast.Store | ast.Del):
        return False
    target = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(target, ast.Name) and target.id == name


def _files(folders: Iterable[pathlib.Path | str]) -> list[pathlib.Path]:
    return [file for folder in folders for file in sorted(pathlib.Path(folder).glob("*.py"))]


def _readable(*folders: pathlib.Path) -> tuple[str, ...]:
    found: list[str] = []
    for file in _files(folders):
        with contextlib.suppress(ValueError):
            found += names_of(file)
    return tuple(sorted(found))


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
    return _readable(_library().joinpath(*path))


def constant_of_library(path: str, name: str) -> tuple[str, ...]:
    """A tuple of strings that a module of keras_ms defines as a literal.

    Args:
        path: The module's file below `keras_ms`.
        name: The constant.
    """
    return literal(_library() / path, name, ())


def strategies() -> tuple[str, ...]:
    """The names of the training strategies."""
    return _readable(STRATEGIES)


def targets() -> tuple[str, ...]:
    """The names of what `apps.reproduce` reproduces."""
    return _readable(TARGETS)


def _library() -> pathlib.Path:
    found = importlib.util.find_spec("keras_ms")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("The apps need keras_ms, which is not installed.")
    return pathlib.Path(found.origin).parent
