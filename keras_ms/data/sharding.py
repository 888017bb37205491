"""The part of a source of images or examples that one of several hosts reads."""

from __future__ import annotations

import copy
import numbers
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ms.data.sources.folder import FolderImages
from keras_ms.data.sources.folder_pairs import FolderPairs
from keras_ms.validation import shown

STRIDE = 7_368_787  # between the seeds of hosts, which shall not draw alike


class Shard(NamedTuple):
    """Which part of the examples: every `parts`-th, from number `part` on."""

    part: int
    parts: int

    def seed(self, seed: int) -> int:
        """The seed of this part; that of the first is the seed itself."""
        return seed if self.part == 0 else (seed + self.part * STRIDE) % 2**31


def checked_shard(shard: Any) -> Shard:
    """The shard as integers.

    Raises:
        ValueError: If it is no pair of a number below a count.
    """
    pair = tuple(shard) if isinstance(shard, (tuple, list)) else ()
    if len(pair) != 2 or not all(isinstance(part, numbers.Integral) for part in pair):
        pair = (-1, 0)
    if not 0 <= pair[0] < pair[1]:
        raise ValueError(
            "`shard` is (index, count), the number of this host, from 0 on, and of all. Received: "
            f"shard={shown(shard)}. Use for example (0, 2) on the first of two."
        )
    return Shard(int(pair[0]), int(pair[1]))


def part_of(source: Any, shard: Shard) -> Any:
    """The part of a source that a host reads; nothing is read here.

    Args:
        source: `FolderImages`, `FolderPairs`, a `tf.data.Dataset`, arrays, or a sequence.
        shard: Which part.

    Returns:
        A source of the same kind.

    Raises:
        ValueError: If it can only be read as a whole, or has too few examples.
    """
    if isinstance(source, tf.data.Dataset):
        return source.shard(shard.parts, shard.part)
    if isinstance(source, tuple) and all(isinstance(p, tf.data.Dataset) for p in source):
        return tuple(part.shard(shard.parts, shard.part) for part in source)
    part: Any
    if isinstance(source, (FolderImages, FolderPairs)):
        part = copy.copy(source)
        part.files = source.files[: len(source)][shard.part :: shard.parts]
        found = len(part.files)
    elif isinstance(source, (tuple, Mapping)):  # arrays whose first axes count examples
        part = _rows(source, shard, _count(source))
        found = len(range(shard.part, _count(source), shard.parts))
    elif hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        part = _Every(source, shard)
        found = len(part)
    else:
        raise ValueError(
            "A host cannot read a part of what comes one after another. Received: `shard` and "
            f"examples of type {type(source).__name__}. Use FolderImages, FolderPairs, a "
            "tf.data.Dataset, arrays or a list; or give each host its own and leave out `shard`."
        )
    if not found:
        raise ValueError(
            "Each host needs an example. Received: "
            f"shard={tuple(shard)} of {type(source).__name__}. Use fewer hosts."
        )
    return list(part) if isinstance(source, list) else part


def _rows(part: Any, shard: Shard, count: int) -> Any:
    """Rows of arrays, and of lists that are as long as there are examples."""
    if isinstance(part, Mapping):
        return {name: _rows(inner, shard, count) for name, inner in part.items()}
    if isinstance(part, (tuple, list)) and len(part) != count:
        return type(part)(_rows(inner, shard, count) for inner in part)
    return part if part is None else part[shard.part :: shard.parts]


def _count(parts: Any) -> int:
    """How many examples there are: rows of arrays, or else the length of lists."""
    parts = list(parts.values()) if isinstance(parts, Mapping) else list(parts)
    arrays = [len(part) for part in parts if hasattr(part, "shape")]
    within = [_count(part) for part in parts if isinstance(part, (tuple, Mapping))]
    lists = [len(part) for part in parts if isinstance(part, list)]
    return next(iter((*arrays, *within, *lists)), 0)


class _Every:
    """Every so many-th example of a sequence, got when it is asked for."""

    def __init__(self, source: Any, shard: Shard) -> None:
        self._source, self._numbers = source, range(shard.part, len(source), shard.parts)

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, index: int) -> Any:
        return self._source[self._numbers[index]]

    def __iter__(self) -> Iterator[Any]:
        return (self._source[number] for number in self._numbers)
