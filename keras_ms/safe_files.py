"""Files that appear whole or not at all, whoever else writes, and whenever the process is killed.

What is being written lies in a hidden folder of its own beside the place that it is for, whose name
nobody else can have, and takes its own name when it is whole. The system forgets the lock on that
folder with the process, so that what killed ones left is known and can be removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any

Path = str | os.PathLike[str]

PREFIX = ".keras_ms-unfinished-"
CURRENT_FOLDER, EXCHANGE = -100, 2  # of Linux: what relative paths begin at; exchange two names


@contextlib.contextmanager
def workplace(folder: Path) -> Iterator[pathlib.Path]:
    """A new, empty and hidden folder within `folder`, which is made; removed in the end.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder, workplace(folder) as place:
        ...     list(place.iterdir())
        []
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    place, lock = _place(folder)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)
        unlock(lock)


@contextlib.contextmanager
def whole(path: Path) -> Iterator[pathlib.Path]:
    """Where to write what shall take the name `path` once it is whole.

    It replaces a file or a link of that name; a folder only if it is a folder itself. Whatever
    fails, nothing of what was there is lost.

    Args:
        path: A file or a folder; the folder around it is made.

    Raises:
        OSError: Naming `path`, if it cannot be written.

    Example:
        >>> with whole("notes.txt") as unfinished:  # doctest: +SKIP
        ...     unfinished.write_text("all of it")
    """
    path = pathlib.Path(path)
    try:
        with workplace(path.parent) as place:
            unfinished = place / f"whole{path.suffix}"
            yield unfinished
            put(unfinished, path)
    except OSError as error:
        raise naming(error, path) from error


def naming(error: OSError, path: Path) -> OSError:
    """The same error of a file, which writing to what is open does not name."""
    if error.errno is None:
        return OSError(f"{os.fspath(path)!r} cannot be written ({error})")
    return OSError(error.errno, os.strerror(error.errno), os.fspath(path))


def put(made: pathlib.Path, path: pathlib.Path) -> None:
    """Gives what was made a name, in place of what bears it: at no moment does neither.

    A folder changes names with the one that it replaces, which is then where `made` was, and is
    lost with its workplace.

    Raises:
        OSError: If it cannot; what bore the name then bears it.
    """
    _flush(made)
    try:
        os.replace(made, path)
    except OSError:  # folders are only put in place of empty ones
        if not made.is_dir() or not os.path.lexists(path):
            raise
        _exchange(made, path)
    _flush_names(path.parent)


def write_text(path: Path, text: str) -> None:
    """Writes a text file.

    Args:
        path: The file.
        text: All that it shall hold.

    Raises:
        OSError: Naming the file, if it cannot be written.
    """
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Writes JSON as its standard has it: numbers that are not finite become `null`.

    Args:
        path: The file.
        content: Dictionaries, lists, tuples, texts, numbers, booleans and `None`.

    Raises:
        OSError: Naming the file, if it cannot be written.
    """
    write_text(path, json.dumps(_strict(content), indent=1, allow_nan=False) + "\n")


def remove(folder: Path) -> None:
    """Removes a folder: at once it is there no more, as a whole. What cannot be removed stays.

    What is left of it when the process is killed meanwhile, `clear` removes.

    Args:
        folder: The folder, or a link to one, which alone is removed; or there is none.
    """
    folder = pathlib.Path(folder)
    with contextlib.suppress(OSError):
        if os.path.lexists(folder):
            with workplace(folder.parent) as place:
                os.rename(folder, place / folder.name)


def clear(folder: Path) -> None:
    """Removes what processes left in a folder that were killed while they wrote."""
    for place in pathlib.Path(folder).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody is at work there
            lock = locked(place)
            if lock is not None:
                shutil.rmtree(place, ignore_errors=True)
            unlock(lock)


def locked(folder: Path) -> int | None:
    """Locks a folder, without a file in it that would outlive the process.

    Returns:
        What `unlock` takes; `None` if the system or the file system knows no locks.

    Raises:
        BlockingIOError: If another process that lives, or this one, has locked it.
        OSError: If there is no such folder.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # some file systems over networks
        os.close(descriptor)
        return None
    return descriptor


def unlock(lock: int | None) -> None:
    """Unlocks what `locked` has locked."""
    if lock is not None:
        os.close(lock)


def _place(folder: pathlib.Path) -> tuple[pathlib.Path, int | None]:
    while True:
        place = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
        # Before it is locked, another process may take it for one that a dead one left.
        with contextlib.suppress(BlockingIOError, FileNotFoundError):
            lock = locked(place)
            if place.is_dir():
                return place, lock
            unlock(lock)


def _flush(made: pathlib.Path) -> None:
    """Has the disk keep it, which may find that it is full, before anything relies on it."""
    files = [file for file in made.rglob("*") if file.is_file()] if made.is_dir() else [made]
    for file in files:
        with open(file, "rb") as opened:
            os.fsync(opened.fileno())


def _flush_names(folder: pathlib.Path) -> None:
    """Has the disk keep the names in a folder, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _exchange(made: pathlib.Path, path: pathlib.Path) -> None:
    if _exchanged_at_once(made, path):
        return
    # Under a name that `clear` spares, lest a process that is killed just now loses it.
    before = pathlib.Path(tempfile.mkdtemp(prefix=f"{path.name}.before-", dir=path.parent))
    old = before / path.name
    try:
        os.rename(path, old)
        try:
            os.rename(made, path)
        except OSError:
            os.rename(old, path)
            raise
    finally:
        if os.path.lexists(path):
            shutil.rmtree(before, ignore_errors=True)


def _exchanged_at_once(one: pathlib.Path, other: pathlib.Path) -> bool:
    """Exchanges two names in one step, if the system and the file system can."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    first, second = os.fsencode(one), os.fsencode(other)
    return rename(CURRENT_FOLDER, first, CURRENT_FOLDER, second, EXCHANGE) == 0


def _strict(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _strict(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_strict(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content
