"""The folder that an app writes to: tried out before anything is computed, and one run's alone."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Callable, Collection, Iterator

from keras_ms import safe_files

from .printable import printable

MODEL = "model"
PROBE = bytes(2**20)


@contextlib.contextmanager
def held(
    output: str | os.PathLike[str], files: Collection[str] = (), formats: tuple[str, ...] = ()
) -> Iterator[pathlib.Path]:
    """The folder, made if need be, which no other run gets until this one ends, however it ends.

    What earlier runs left unfinished, because they were killed, is removed.

    Args:
        output: The folder.
        files: Names of files that will be written or replaced.
        formats: Formats in which the model will be written, if it will be.

    Raises:
        ValueError: If it is no folder, cannot be written to, holds something else under these
            names, or is another run's.
    """
    folder = pathlib.Path(output)
    _make(folder)
    with _locked(folder):
        safe_files.clear(folder)
        probe(folder)
        _check_names(folder, files, formats)
        yield folder


def probe(output: pathlib.Path, flag: str = "--output") -> None:
    """Writes to a folder, which is made, and takes it away again.

    Args:
        output: The folder.
        flag: Who asked for it.

    Raises:
        ValueError: If it cannot.
    """
    _make(output, flag)
    try:
        with safe_files.workplace(output) as place:
            (place / "probe").write_bytes(PROBE)
    except OSError as error:
        raise _not_written(flag, output, error) from error


class Attempts:
    """Writes what can be written: what cannot does not keep the rest from it.

    Attributes:
        problems: What could not be written and why, one line each.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []

    def __call__(self, write: Callable[..., object], *arguments: object) -> None:
        """Calls a function that writes; notes the `OSError` that names its file."""
        try:
            write(*arguments)
        except OSError as error:
            self.problems.append(printable(error))

    def check(self, output: pathlib.Path) -> None:
        """Raises a `ValueError` that names what could not be written, if there is anything."""
        if self.problems:
            raise ValueError(
                f"Not everything could be written: {'; '.join(self.problems)}. All else is in "
                f"{output}. The same command writes it, once it can, and trains nothing again."
            )


def _make(folder: pathlib.Path, flag: str = "--output") -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise ValueError(
            f"{flag} must be a folder. Received: {folder} ({error.strerror}). Use another folder."
        ) from error
    except OSError as error:
        raise _not_written(flag, folder, error) from error


def _not_written(flag: str, folder: pathlib.Path, error: OSError) -> ValueError:
    return ValueError(
        f"{flag} cannot be written to. Received: {folder} ({error.strerror or error}). Use "
        "another folder."
    )


@contextlib.contextmanager
def _locked(folder: pathlib.Path) -> Iterator[None]:
    try:
        lock = safe_files.locked(folder)
    except BlockingIOError as error:
        raise ValueError(
            f"Another run writes to --output. Received: {folder}. Use another folder, or wait for "
            "its end."
        ) from error
    except OSError as error:
        raise ValueError(f"--output cannot be opened. Received: {folder} ({error}).") from error
    try:
        yield
    finally:
        safe_files.unlock(lock)


def _check_names(folder: pathlib.Path, files: Collection[str], formats: tuple[str, ...]) -> None:
    from keras_ms.inference.exporting import SUFFIXES, checked_paths

    model = folder / MODEL
    for kind in formats:
        try:
            checked_paths(model, (kind,))
        except ValueError as error:
            raise ValueError(
                "--output holds something else where the trained model goes, which would be lost. "
                f"Received: {model}{SUFFIXES[kind]}. Use another folder."
            ) from error
    if formats and model.is_dir() and not os.access(model, os.W_OK):
        raise ValueError(f"--output holds a model that cannot be replaced. Received: {model}.")
    for name in files:
        if (folder / name).is_dir():
            raise ValueError(
                "--output holds a folder where a file will be written. Received: "
                f"{folder / name}. Use another folder."
            )
