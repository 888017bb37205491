"""A list of picture files in the place of an array."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_ms.data.sources.class_maps import stored_indices
from keras_ms.data.sources.picture_side import PictureSide, headers_of

SHOWN = 3


class Files:
    """Pictures by number, read when they are asked for, values as in the files.

    Targets that are palette pictures are class maps: they give the indices.

    Args:
        paths: The files.
        part: `"x"`, `"y"` or `"sample_weight"`.

    Raises:
        ValueError: If a file is missing, or none can be read.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], part: str) -> None:
        self._paths = [os.path.expanduser(os.fspath(path)) for path in paths]
        missing = [path for path in self._paths if not os.path.isfile(path)]
        if missing:
            named = ", ".join(map(repr, missing[:SHOWN]))
            raise ValueError(
                f"Strings in {part} name picture files, and {len(missing)} of {len(paths)} are "
                f"not there. Received: {named}. Give the paths of files, or arrays."
            )
        self.are_classes = part != "x" and _has_palette(self._paths[0])

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> np.ndarray:
        if self.are_classes:
            return stored_indices(self._paths[number])
        return self._side.read(self._paths[number])

    def name(self, number: int) -> str:
        """The path of a file."""
        return self._paths[number]

    @functools.cached_property
    def spec(self) -> tf.TensorSpec:
        """Of one picture; sides that differ are `None`."""
        side = self._side
        if not self.are_classes:
            return side.spec
        return tf.TensorSpec(side.spec.shape[:2], tf.as_dtype(self[0].dtype))

    @functools.cached_property
    def _side(self) -> PictureSide:
        return PictureSide(headers_of(self._paths), None)


def _has_palette(path: str) -> bool:
    try:
        with Image.open(path) as picture:
            return picture.mode in ("P", "PA")
    except Exception:  # Pillow does not know it; it fails in a way of each format
        return False
