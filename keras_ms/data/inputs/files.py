"""A list of picture files in the place of an array."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ms.data.inputs.file_kinds import FileKinds
from keras_ms.data.sources.class_maps import stored_indices
from keras_ms.data.sources.picture_side import PictureSide

SHOWN = 3


class Files:
    """Pictures by number, read when they are asked for, values as in the files.

    What is no input, and has one number a pixel, gives that number: palette pictures the index,
    grey ones of few bits what is written there. All files decide, not the first alone.

    Args:
        paths: The files.
        part: `"x"`, `"y"` or `"sample_weight"`.

    Raises:
        ValueError: If a file is missing.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], part: str) -> None:
        self._paths = [os.path.expanduser(os.fspath(path)) for path in paths]
        self._part = part
        missing = [path for path in self._paths if not os.path.isfile(path)]
        if missing:
            named = ", ".join(map(_named, missing[:SHOWN]))
            raise ValueError(
                f"Strings in {part} name picture files, and {len(missing)} of {len(paths)} are "
                f"not there. Received: {named}. Give the paths of files, or arrays."
            )

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> np.ndarray:
        if not self._numbers:
            return self._side.read(self._paths[number])
        found = stored_indices(self._paths[number])
        dtype = self._kinds.index_type
        if not np.can_cast(found.dtype, dtype):
            _check_range(found, dtype)
        return (found if self.are_classes else found[..., np.newaxis]).astype(dtype)

    def name(self, number: int) -> str:
        """The path of a file."""
        return self._paths[number]

    @property
    def are_classes(self) -> bool:
        """Whether the files are palette pictures whose indices are classes."""
        return self._part == "y" and self._kinds.are_palettes

    @functools.cached_property
    def spec(self) -> tf.TensorSpec:
        """Of one picture; sides that differ are `None`."""
        side = self._side.spec
        if not self._numbers:
            return side
        sides = side.shape[:2] if self.are_classes else (*side.shape[:2], 1)
        return tf.TensorSpec(sides, tf.as_dtype(self._kinds.index_type))

    @property
    def note(self) -> str:
        """What was decided about the files that a user should read, or nothing."""
        return "" if self._part == "x" else self._kinds.note

    @property
    def _numbers(self) -> bool:
        return self._part != "x" and (self._kinds.are_palettes or self._kinds.are_shades)

    @functools.cached_property
    def _kinds(self) -> FileKinds:
        return FileKinds.of(self._paths, self._part)

    @functools.cached_property
    def _side(self) -> PictureSide:
        return PictureSide(self._kinds.heads, None, as_stored=True)


def _named(path: str) -> str:
    return f"{path!r}{', a link to nothing' if os.path.islink(path) else ''}"


def _check_range(values: np.ndarray, dtype: np.dtype) -> None:
    known = np.iinfo(dtype)
    least, greatest = int(values.min()), int(values.max())
    if not known.min <= least <= greatest <= known.max:
        raise ValueError(
            f"its numbers lie in [{least}, {greatest}], which {dtype} of the others cannot hold"
        )
