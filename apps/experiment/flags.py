"""absl flags made from the fields of a settings dataclass, and how an app starts."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from absl import app, flags, logging

from . import choices, configuration, help_text, presets, starting, warned, wrong_flags
from .command import as_typed
from .flag_words import in_flags
from .options import has_presets, options_of
from .printable import printable
from .stopping import StoppedError


def start(name: str, settings: type, run: Callable[[Any], object], loads: bool = True) -> None:
    """Runs an app on the settings of the command line.

    `--help` is answered at once: nothing heavy has been imported by then if the app imports keras
    and TensorFlow within `run` only. Senseless settings end in one line that says what to mend, and
    a request to stop in one that says what is kept.

    Args:
        name: The app's module within `apps`, for that line.
        settings: Class of its settings.
        run: The app, a function of the settings; its module's docstring begins the help.
        loads: Whether TensorFlow is loaded first. An app that looks at other things before loads
            it itself, by `starting.load`.
    """
    if any(field.metadata["choices"] for field in options_of(settings)):
        try:
            choices.check()
        except ValueError as error:
            sys.exit(as_typed(f"apps.{name}: {error}"))
    if help_text.is_asked_for(sys.argv[1:]):
        with _readers_may_leave():
            print(as_typed(help_text.of_app(run.__globals__.get("__doc__") or "", settings)))
        return

    define(settings)
    app.run(
        lambda argv: _run(name, settings, run, argv, loads),
        _arguments(name, settings),
        flags_parser=lambda argv: _parsed(name, argv),
    )


def _parsed(name: str, argv: Sequence[str]) -> list[str]:
    """What is left of a command line without its options; ends the app if one is wrong."""
    try:
        return list(flags.FLAGS(argv))
    except flags.Error as error:
        sys.exit(printable(as_typed(f"apps.{name}: {wrong_flags.in_words(error)}")))


@contextlib.contextmanager
def _readers_may_leave() -> Iterator[None]:
    """Lets who reads what is printed stop, as `head` does."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Else Python tries to write the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(
    name: str,
    settings: type,
    run: Callable[[Any], object],
    argv: Sequence[str],
    loads: bool,
) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):  # names may be of other scripts than it is
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.set_verbosity(logging.WARNING)
    names = [field.name for field in options_of(settings)]
    try:
        if len(argv) > 1:
            raise ValueError(f"Options begin with --. Received: {' '.join(argv[1:])}.")
        with warned.in_one_line(names):
            if loads:
                starting.load()
            run(read(settings))
    except StoppedError as stop:
        print(printable(as_typed(f"apps.{name}: {stop}")), file=sys.stderr)
        sys.exit(stop.status)
    except KeyboardInterrupt:  # Ctrl-C where there is nothing to save, as while libraries load
        print(as_typed(f"apps.{name}: stopped (SIGINT)"), file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        if (said := _in_words(error)) is None:
            raise
        text = in_flags(said, names)
        sys.exit(printable(as_typed(f"apps.{name}: {text}"), kept="\n"))


def _in_words(error: Exception) -> str | None:
    """What an error says to people; `None` if it is a fault of the program."""
    if isinstance(error, (OSError, ValueError)):
        return str(error)
    # TensorFlow's own class of errors, by its name: there may be no TensorFlow yet.
    if not isinstance(error, MemoryError) and type(error).__name__ != "ResourceExhaustedError":
        return None
    said = " ".join(str(error).split())
    if said.startswith("Memory ran out"):
        return said
    return (
        f"Memory ran out. Received: {said[:300]} Use a smaller network (--width, --depth), smaller "
        "crops (--image_size) or smaller batches (--batch_sizes)."
    )


def _arguments(name: str, settings: type) -> list[str]:
    """The command line, with the options of `--config`."""
    try:
        return configuration.expanded(sys.argv, settings)
    except ValueError as error:
        sys.exit(printable(as_typed(f"apps.{name}: {error}")))


def define(settings: type) -> None:
    """Defines one flag per option, and `--preset` where options have values by preset."""
    if has_presets(settings):
        names = list(presets.PRESETS)
        flags.DEFINE_enum("preset", names[0], names, help_text.PRESET)
    hints = typing.get_type_hints(settings)
    for field in options_of(settings):
        _define_one(field.name, hints[field.name], field.metadata)


def read(settings: type) -> Any:
    """Returns the settings that the command line asks for.

    Raises:
        ValueError: If a list flag holds something that is not a number, or the settings make no
            sense together.
    """
    given = {}
    hints = typing.get_type_hints(settings)
    for field in options_of(settings):
        value = flags.FLAGS[field.name].value
        if value is not None:
            _check_own(field, value)
            given[field.name] = _converted(field.name, hints[field.name], value)
    if not has_presets(settings):
        return settings(**given)
    return presets.make(settings, flags.FLAGS.preset, **given)


def _define_one(name: str, hint: Any, metadata: typing.Mapping[str, Any]) -> None:
    kinds = (hint, *typing.get_args(hint))
    text = metadata["help"]
    if any(typing.get_origin(kind) is tuple for kind in kinds):
        flags.DEFINE_list(name, None, text)
    elif metadata["choices"] and not metadata["own"]:
        flags.DEFINE_enum(name, None, list(metadata["choices"]), text)
    elif bool in kinds:
        flags.DEFINE_bool(name, None, text)
    elif int in kinds:
        flags.DEFINE_integer(name, None, text)
    elif float in kinds:
        flags.DEFINE_float(name, None, text)
    else:
        flags.DEFINE_string(name, None, text)


def _check_own(field: Any, value: Any) -> None:
    """Refuses a name that nothing has, and finds modules of the user's in the present folder."""
    choices, own = field.metadata["choices"], field.metadata["own"]
    if not own or not choices or value in choices:
        return
    if ":" not in value:
        raise ValueError(
            f"--{field.name} is one of {', '.join(choices)}, or module:attribute of your own. "
            f"Received: --{field.name}={value}."
        )
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())  # as `python -m` has it


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
