"""Options from a YAML file, and the file that repeats a run."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from typing import Any

from .options import as_dict, has_presets, options_of

FLAG = "config"
HELP = "YAML file of options, such as seconds: 60; those given beside it count more."
Path = str | pathlib.Path


def expanded(arguments: Sequence[str], settings: type) -> list[str]:
    """A command line with the options of `--config=FILE` in front of those given.

    Args:
        arguments: The program and its arguments.
        settings: Class of the app's settings.

    Raises:
        ValueError: If the file cannot be read, or holds something else than options of the app.
    """
    program, given = arguments[0], list(arguments[1:])
    files, rest = [], []
    while given:
        argument = given.pop(0)
        if argument == "--":
            rest += [argument, *given]
            break
        name, equals, value = argument.lstrip("-").partition("=")
        if not argument.startswith("-") or name != FLAG:
            rest.append(argument)
            continue
        if not equals and not given:
            raise ValueError("--config is followed by a file. Received: --config and no file.")
        files.append(value if equals else given.pop(0))
    return [program, *(option for file in files for option in read(file, settings)), *rest]


def read(path: Path, settings: type) -> list[str]:
    """The options of a file, as they are written on the command line.

    Args:
        path: The file: a mapping from names of options to values.
        settings: Class of the app's settings.

    Raises:
        ValueError: If it cannot be read, or holds something else.
    """
    import yaml  # a moment later than `--help`

    try:
        # As texts, since YAML takes `no` for false, 1e-3 for a text and 1:30 for ninety.
        content = yaml.load(pathlib.Path(path).read_text(encoding="utf-8"), yaml.BaseLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(
            f"--config cannot be read. Received: {path} ({_one_line(error)}). Use a YAML file with "
            "lines such as seconds: 60."
        ) from error
    if content in (None, ""):
        return []
    if not isinstance(content, dict):
        raise ValueError(
            f"--config is a mapping from options to values. Received: {path}, which is not. Use "
            "lines such as seconds: 60."
        )
    known = {*(field.name for field in options_of(settings))}
    known |= {"preset"} if has_presets(settings) else set()
    found = []
    for name, value in content.items():
        if name not in known:
            raise ValueError(
                f"There is no such option. Received: {name} in {path}. Use some of "
                f"{', '.join(sorted(known))}."
            )
        found += _argument(name, value, path)
    return found


def _argument(name: str, value: Any, path: Path) -> list[str]:
    parts = value if isinstance(value, list) else [value]
    if not all(isinstance(part, str) for part in parts):
        raise ValueError(
            "Options are numbers, texts, true, false, or lists of numbers or texts. Received: "
            f"{name} in {path}. Use for example {name}: [4, 16]."
        )
    if not isinstance(value, list) and value in ("", "null", "~"):
        return []  # not given
    return [f"--{name}={','.join(parts)}"]


def write(settings: Any, app: str, path: pathlib.Path) -> None:
    """Writes the file that repeats a run, if it was asked for on a command line.

    It holds the options that were given, and as a comment all of them, since presets may change.

    Args:
        settings: Those of the run.
        app: The app.
        path: The file.

    Raises:
        OSError: If it cannot be written.
    """
    if getattr(settings, "given", None) is None:
        return
    from keras_ms import __version__, safe_files

    from .command import as_typed

    names = [field.name for field in options_of(settings) if field.name in settings.given]
    given = {"preset": settings.preset, **{name: getattr(settings, name) for name in names}}
    command = as_typed(f"python -m apps.{app} --config={path}")
    whole = "".join(f"# {line}\n" for line in _yaml(as_dict(settings)).splitlines())
    text = (
        f"# Repeats the run: {' '.join(command.splitlines())}\n{_yaml(given)}\n"
        f"# All options, as they were in keras_ms {__version__}:\n{whole}"
    )
    safe_files.write_text(path, text)


def _yaml(values: dict[str, Any]) -> str:
    import yaml

    how = {"allow_unicode": True, "width": math.inf}
    lines = []
    for name, value in values.items():
        listed = isinstance(value, tuple)
        shown = {name: [*value] if listed else value}
        text = yaml.safe_dump(shown, default_flow_style=listed, **how)
        lines.append(text.strip("{}\n") + "\n" if listed else text)
    return "".join(lines)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
