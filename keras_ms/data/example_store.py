"""Tensors of examples and their coarser levels, in memory or in files, each made once."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable
from typing import IO

import numpy as np

_FREE_BYTES = 2**29
"""What is left free on the disk for others."""


class NoRoomError(Exception):
    """Neither the cache nor the disk takes more."""


class ExampleStore:
    """Examples by number: the leaves of each as they were read, and coarser levels of fields.

    Level `l + 1` of a field is made of level `l` when it is first asked for, and kept. As soon as
    there are more than `cache_bytes` in memory, the finest level there moves to a temporary file,
    and so on: coarse levels, most often asked for, go last. Callers may be many threads.

    Args:
        cache_bytes: Bytes to keep in memory.
    """

    def __init__(self, cache_bytes: int) -> None:
        self._cache_bytes = cache_bytes
        self._arrays: dict[tuple[int, int, str], _Arrays] = {}  # by level, leaf and restriction
        self._lock = threading.RLock()
        self._spills = True

    def add(self, number: int, leaves: list[np.ndarray]) -> None:
        """Takes the leaves of an example.

        Raises:
            NoRoomError: If neither memory nor disk has room; all that is there stays.
        """
        with self._lock:
            for leaf, array in enumerate(leaves):
                self._of(0, leaf, "").put(number, array, self._spills)
            self._make_room()

    def only_pass_on(self) -> None:
        """Writes no files from now on: examples are to be dropped once they are used."""
        self._spills = False

    def drop(self, below: int) -> None:
        """Forgets the examples whose numbers are below `below`."""
        with self._lock:
            for arrays in self._arrays.values():
                arrays.drop(below)

    def field(
        self, leaf: int, number: int, level: int, name: str, coarser: Callable[..., np.ndarray]
    ) -> np.ndarray:
        """A leaf of an example on a level.

        Args:
            leaf: Number of the leaf.
            number: Number of the example.
            level: How many times it is to be coarsened.
            name: Name of how it is coarsened.
            coarser: Makes an array one level coarser.

        Raises:
            KeyError: If the example is not there any more.
        """
        with self._lock:
            arrays = self._of(level, leaf, name if level else "")
            found = arrays.get(number)
        if found is None and not level:
            raise KeyError(number)
        if found is None:
            found = coarser(self.field(leaf, number, level - 1, name, coarser))
            with self._lock:
                arrays.put(number, found, self._spills)
                try:
                    self._make_room()
                except NoRoomError:
                    arrays.drop(number + 1)  # made again when it is asked for again
        return found

    def shapes_of(self, leaf: int) -> set[tuple[int, ...]]:
        """Shapes of a leaf in all examples that are there."""
        with self._lock:
            return self._of(0, leaf, "").shapes

    def _of(self, level: int, leaf: int, name: str) -> _Arrays:
        return self._arrays.setdefault((level, leaf, name), _Arrays())

    def _make_room(self) -> None:
        while self._spills and self.bytes_in_memory > self._cache_bytes:
            finest = min(key for key, arrays in self._arrays.items() if arrays.bytes_in_memory)
            self._arrays[finest].spill()

    @property
    def is_full(self) -> bool:
        """Whether there is more in memory than there should be."""
        return self.bytes_in_memory > self._cache_bytes

    @property
    def bytes_in_memory(self) -> int:
        """Bytes that are not in files."""
        with self._lock:
            return sum(arrays.bytes_in_memory for arrays in self._arrays.values())

    def room(self) -> int:
        """Bytes that memory and disk still take."""
        left = self._cache_bytes - self.bytes_in_memory
        return max(left, 0) + max(_free_bytes() - _FREE_BYTES, 0)


class _Arrays:
    """Arrays by number: in memory or, once spilled, in a file that ends with this object."""

    def __init__(self) -> None:
        self._in_memory: dict[int, np.ndarray] = {}
        self._in_file: dict[int, tuple[int, tuple[int, ...], np.dtype]] = {}
        self._file: IO[bytes] | None = None
        self.bytes_in_memory = 0

    def put(self, number: int, array: np.ndarray, to_file: bool) -> None:
        """Takes an array; where the file has no room, memory has: what is counted is there."""
        if to_file and self._file is not None and _fits_files(array):
            with contextlib.suppress(NoRoomError):
                self._write(number, array)
                return
        if number not in self._in_memory:
            self._in_memory[number] = array
            self.bytes_in_memory += _bytes(array)

    def get(self, number: int) -> np.ndarray | None:
        if number in self._in_memory:
            return self._in_memory[number]
        if number not in self._in_file:
            return None
        place, shape, dtype = self._in_file[number]
        assert self._file is not None
        return np.asarray(np.memmap(self._file, dtype, "r", place, shape))

    @property
    def shapes(self) -> set[tuple[int, ...]]:
        in_files = {shape for _, shape, _ in self._in_file.values()}
        return in_files | {array.shape for array in self._in_memory.values()}

    def drop(self, below: int) -> None:
        for number in [n for n in self._in_memory if n < below]:
            self.bytes_in_memory -= _bytes(self._in_memory.pop(number))
        for number in [n for n in self._in_file if n < below]:
            del self._in_file[number]
        if not self._in_file and self._file is not None:
            self._file.close()  # memory maps of it stay valid
            self._file = None

    def spill(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="keras_ms-")  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        for number in list(self._in_memory):
            array = self._in_memory[number]
            if _fits_files(array):
                self._write(number, array)
                del self._in_memory[number]
                self.bytes_in_memory -= _bytes(array)
        if self._in_memory:  # strings and empty arrays, which files do not hold
            self.bytes_in_memory = 0

    def _write(self, number: int, array: np.ndarray) -> None:
        assert self._file is not None
        if array.nbytes > _free_bytes() - _FREE_BYTES:
            raise NoRoomError
        self._file.seek(0, 2)
        place = self._file.tell()
        try:
            self._file.write(np.ascontiguousarray(array).data)
            self._file.flush()
        except OSError as error:
            raise NoRoomError from error
        self._in_file[number] = (place, array.shape, array.dtype)


def _fits_files(array: np.ndarray) -> bool:
    return bool(array.nbytes) and not array.dtype.hasobject


def _bytes(array: np.ndarray) -> int:
    return array.nbytes if not array.dtype.hasobject else 0


def _free_bytes() -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free
