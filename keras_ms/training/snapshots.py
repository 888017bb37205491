"""The last few states of a run in a folder: each one file that is whole, or is not there.

Arrays and what is told of them lie in one file, so no kill can leave one without the other. Every
array carries a checksum, so a damaged file is known, and the one before it takes its place.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import re
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms import safe_files
from keras_ms.training.collectives import said_by_chief

VERSION = 1
_NAME = re.compile(r"checkpoint-(\d{6,})\.npz")
_TOLD, _ARRAY = "told", "__array__"


class Snapshot(NamedTuple):
    """A state that was read.

    Attributes:
        content: As it was written; tuples have become lists.
        path: The file.
        damaged: Newer files that could not be read, and why, a line each.
    """

    content: dict[str, Any]
    path: pathlib.Path
    damaged: tuple[str, ...]


class Snapshots:
    """Writes states to a folder, keeps the last ones, and reads the newest that is sound.

    Args:
        folder: The folder; made when it is first written to.
        keep: How many files stay.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     snapshots = Snapshots(folder)
        ...     _ = snapshots.write({"epoch": 3, "weights": [np.zeros(2)]})
        ...     snapshots.newest().content["epoch"]
        3
    """

    def __init__(self, folder: str | os.PathLike[str], keep: int = 2) -> None:
        self.folder = pathlib.Path(folder)
        self._keep = keep
        self._damaged: frozenset[pathlib.Path] = frozenset()

    def paths(self) -> list[pathlib.Path]:
        """The files, oldest first."""
        found = (p for p in self.folder.glob("checkpoint-*.npz") if _NAME.fullmatch(p.name))
        return sorted(found, key=_number)

    def probe(self) -> None:
        """Raises a `ValueError` if nothing can be written; removes what was left unfinished."""
        safe_files.clear(self.folder)
        try:
            with safe_files.workplace(self.folder) as place:
                (place / "probe").write_bytes(bytes(1))
        except OSError as error:
            raise ValueError(
                "Checkpoints cannot be written. Received: "
                f"{self.folder} ({error.strerror or error}). Use another folder."
            ) from error

    def write(self, content: dict[str, Any]) -> pathlib.Path:
        """Writes a state behind all others, and removes those that are too many.

        Args:
            content: Dictionaries with texts as keys, lists, tuples, numbers, texts, `None`, and
                arrays of any type but objects.

        Raises:
            OSError: Naming the file, if it cannot be written; those there are stay.
        """
        arrays: list[np.ndarray] = []
        told = json.dumps({"version": VERSION, "content": _packed(content, arrays)})
        members: dict[str, Any] = {f"a{index}": _bytes_of(a) for index, a in enumerate(arrays)}
        members[_TOLD] = np.frombuffer(told.encode(), np.uint8)
        before = self.paths()
        number = _number(before[-1]) + 1 if before else 1
        path = self.folder / f"checkpoint-{number:06}.npz"
        with safe_files.whole(path) as unfinished:
            np.savez(unfinished, **members)
        for old in self._too_many(before):
            with contextlib.suppress(OSError):
                old.unlink()
        return path

    def _too_many(self, before: list[pathlib.Path]) -> list[pathlib.Path]:
        """Which files go when there is one more: what was found damaged does not count as kept."""
        sound = [path for path in before if path not in self._damaged]
        if len(sound) + 1 < self._keep:
            return []
        return [*self._damaged.intersection(before), *sound[: len(sound) + 1 - self._keep]]

    def newest(self) -> Snapshot | None:
        """The newest state that is sound, or `None` if there is no file.

        Raises:
            ValueError: If there are files, but none is sound.
        """
        damaged: list[str] = []
        self._damaged = frozenset()
        for path in reversed(self.paths()):
            try:
                with open(path, "rb") as file:
                    return Snapshot(_read(file), path, tuple(damaged))
            except Exception as error:  # damaged files fail in many ways
                reason = f"{error} ".splitlines()[0].strip() or type(error).__name__
                damaged.append(f"{path.name}: {reason[:200]}")
                self._damaged |= {path}
        if damaged:
            raise ValueError(
                "No checkpoint can be read. Received: "
                f"{self.folder} ({'; '.join(damaged)}). Remove them to start anew."
            )
        return None

    def clear(self) -> None:
        """Removes all files of the folder that are states, and what was left unfinished."""
        for path in self.paths():
            path.unlink()
        safe_files.clear(self.folder)


def found_by_chief(
    strategy: Any, find: Callable[[], Snapshot | None], folder: pathlib.Path
) -> Snapshot | None:
    """The state that the chief of several hosts finds, on each of them; all call it.

    Args:
        strategy: The strategy of the hosts.
        find: Finds it on the chief.
        folder: Where others say that it is from.

    Raises:
        ValueError: On every host, if `find` has raised one.
    """
    found: list[Snapshot | None] = [None]

    def say() -> bytes:
        found[0] = snapshot = find()
        return b"" if snapshot is None else snapshot.path.read_bytes()

    data = said_by_chief(strategy, say)
    if found[0] is not None or not data:
        return found[0]
    return Snapshot(_read(io.BytesIO(data)), folder, ())


def where(content: Mapping[str, Any]) -> str:
    """Where the run of a checkpoint stands, in words."""
    done = f"{content['steps']} steps done"
    if content["ended"]:
        return f"training has ended, {done}"
    if content["step"]:
        return f"step {content['step']} of epoch {content['epoch'] + 1}, {done}"
    return f"epoch {content['epoch'] + 1}, {done}"


def _number(path: pathlib.Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _packed(value: Any, arrays: list[np.ndarray]) -> Any:
    """A value for JSON, whose arrays are put into a list and numbered."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tf.Tensor | tf.Variable | keras.Variable):
        return _packed(np.array(value.numpy()), arrays)
    if isinstance(value, np.ndarray):
        arrays.append(value)
        kind = {"dtype": value.dtype.name, "shape": list(value.shape)}
        return {_ARRAY: len(arrays) - 1, **kind}
    if isinstance(value, dict):
        return {name: _packed(entry, arrays) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_packed(entry, arrays) for entry in value]
    return value


def _unpacked(value: Any, members: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(entry, members) for entry in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY not in value:
        return {name: _unpacked(entry, members) for name, entry in value.items()}
    raw = members[f"a{value[_ARRAY]}"]  # reading compares the checksum
    return raw.view(tf.as_dtype(value["dtype"]).as_numpy_dtype).reshape(value["shape"])


def _bytes_of(array: np.ndarray) -> np.ndarray:
    """An array's bytes: NumPy does not write types that it lacks, such as bfloat16."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _read(file: BinaryIO) -> dict[str, Any]:
    with np.load(file, allow_pickle=False) as members:
        told = json.loads(members[_TOLD].tobytes())
        if told["version"] != VERSION:
            raise ValueError(f"written by another version of keras_ms ({told['version']})")
        return _unpacked(told["content"], members)
