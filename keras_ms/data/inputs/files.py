"""A list of pictures in the place of an array: of files, or of pictures of Pillow."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_ms.data.inputs.picture_kinds import PictureKinds
from keras_ms.data.sources import pillow_pictures
from keras_ms.data.sources.class_maps import checked_equal, stored_indices
from keras_ms.data.sources.picture_file import stored_pixels
from keras_ms.data.sources.picture_side import PictureSide
from keras_ms.data.sources.stored import Header

SHOWN = 3


class Pictures:
    """Pictures by number, read when they are asked for, values as they are stored.

    What is no input, and has one number a pixel, gives that number: palette pictures the index,
    grey ones of few bits what is written there. All of them decide, not the first alone.

    Args:
        pictures: Paths, or pictures of Pillow.
        part: `"x"`, `"y"` or `"sample_weight"`.
    """

    def __init__(self, pictures: Sequence[str] | Sequence[Image.Image], part: str) -> None:
        self._pictures, self._part = pictures, part

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, number: int) -> np.ndarray:
        one = self._pictures[number]
        if not self._numbers:
            pixels = stored_pixels(one) if isinstance(one, str) else pillow_pictures.shown(one)
            return self._side.converted(pixels)
        found = stored_indices(one) if isinstance(one, str) else _numbers_of(one)
        dtype = self._kinds.index_type
        if not np.can_cast(found.dtype, dtype):
            _check_range(found, dtype)
        return (found if self.are_classes else found[..., np.newaxis]).astype(dtype)

    @property
    def are_classes(self) -> bool:
        """Whether they are palette pictures whose indices are classes."""
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
        """What was decided about them that a user should read, or nothing."""
        return "" if self._part == "x" else self._kinds.note

    @property
    def heads(self) -> list[Header | ValueError]:
        """The upright head of each, or why it cannot be read."""
        return self._kinds.of_each

    def name(self, number: int) -> str:
        """The number of a picture."""
        return str(number)

    @property
    def _numbers(self) -> bool:
        return self._part != "x" and (self._kinds.are_palettes or self._kinds.are_shades)

    @functools.cached_property
    def _kinds(self) -> PictureKinds:
        return PictureKinds.of(self._pictures, self._part)

    @functools.cached_property
    def _side(self) -> PictureSide:
        return PictureSide(self._kinds.heads, None, as_stored=True)


class Files(Pictures):
    """Pictures of files.

    Args:
        paths: The files.
        part: `"x"`, `"y"` or `"sample_weight"`.

    Raises:
        ValueError: If a file is missing.
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]], part: str) -> None:
        self._paths = [os.path.expanduser(os.fspath(path)) for path in paths]
        super().__init__(self._paths, part)
        missing = [path for path in self._paths if not os.path.isfile(path)]
        if missing:
            named = ", ".join(map(_named, missing[:SHOWN]))
            raise ValueError(
                f"Strings in {part} name picture files, and {len(missing)} of {len(paths)} are "
                f"not there. Received: {named}. Give the paths of files, or arrays."
            )

    def name(self, number: int) -> str:
        """The path of a file."""
        return self._paths[number]


def _named(path: str) -> str:
    return f"{path!r}{', a link to nothing' if os.path.islink(path) else ''}"


def _numbers_of(picture: Image.Image) -> np.ndarray:
    found = pillow_pictures.numbers(picture)
    if found is None:
        found = checked_equal(pillow_pictures.shown(picture))
    return found[..., 0]


def _check_range(values: np.ndarray, dtype: np.dtype) -> None:
    known = np.iinfo(dtype)
    least, greatest = int(values.min()), int(values.max())
    if not known.min <= least <= greatest <= known.max:
        raise ValueError(
            f"its numbers lie in [{least}, {greatest}], which {dtype} of the others cannot hold"
        )
