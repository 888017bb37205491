"""Pictures of many files in one type and number of bands: one side of a folder of pairs."""

from __future__ import annotations

import collections
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ms.data.sources.kinds import Kind, converted
from keras_ms.data.sources.picture_file import header, is_tiff, lies, stored_pixels, unreadable
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.data.sources.stored import MAX_MEGAPIXELS, Header

Range = tuple[float, float]
Path = str | os.PathLike[str]


class PictureSide:
    """Reads picture files so that all come in one type and number of bands.

    Bands are those of most files; grey files among coloured ones get three. The type is the
    smallest that holds the depths of all files: bytes among files of 16 bits are spread over
    their range, integers among floats become floats from 0 to 1. With a `value_range` values
    stay as they are.

    Args:
        headers: Of all files, those of unreadable ones left out.
        value_range: Values that become 0 and 1, checked, or `None`: the type's.
        bands: Number of bands, or `None`: found as above.

    Attributes:
        spec: Of one picture; sides that differ are `None`.
        values: Values that become 0 and 1, or `None` where floats stay as they are.
    """

    def __init__(
        self, headers: Sequence[Header], value_range: Range | None, bands: int | None = None
    ) -> None:
        self._given = value_range
        counted = collections.Counter(header.bands for header in headers)
        usual = 3 if set(counted) == {1, 3} else counted.most_common(1)[0][0]
        self.bands = bands or usual
        self.dtype = _common({np.dtype(header.dtype) for header in headers})
        self.values = self._given or _full(self.dtype)
        sides = [_one({h.height for h in headers}), _one({h.width for h in headers})]
        self.spec = tf.TensorSpec((*sides, self.bands), tf.as_dtype(self.dtype))

    def read(self, path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
        """Reads a picture `(height, width, bands)`, not scaled to [0, 1].

        Raises:
            ValueError: If it cannot be read, or has another number of bands or a greater depth.
        """
        pixels = stored_pixels(path, max_megapixels)
        if self._given is not None and np.can_cast(pixels.dtype, self.dtype):
            pixels = pixels.astype(self.dtype)
        try:
            return converted(pixels, Kind(self.bands, self.dtype))
        except ValueError as error:
            raise unreadable(path, error) from error

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels as floats, with `values` as 0 and 1."""
        if self.values is None:
            return pixels
        low, high = self.values
        return (pixels.astype(np.float32) - np.float32(low)) * np.float32(1.0 / (high - low))


def headers_of(files: Sequence[Path]) -> list[Header]:
    """Headers of files, upright, without those of unreadable ones.

    Raises:
        ValueError: If there is no other.
    """
    return readable(upright_heads(files))


def upright_heads(files: Sequence[Path]) -> list[Header | ValueError]:
    """The upright head of every file, or why it cannot be read."""
    return [found for _, found in read_ahead(files, upright_header)]


def readable(heads: Sequence[Header | ValueError]) -> list[Header]:
    """The heads of those files that can be read.

    Raises:
        ValueError: If there is none.
    """
    found = [head for head in heads if not isinstance(head, ValueError)]
    if not found:
        raise ValueError(f"None of {len(heads)} files can be read. Received: {heads[0]}")
    return found


def upright_header(path: Path) -> Header:
    """The header of a file as its pixels are read: upright photographs are often stored lying.

    Raises:
        ValueError: If the file cannot be read as a picture.
    """
    found = header(path)
    if not lies(path):
        return found
    sides = found.width, found.height
    if is_tiff(path):  # whose readers turn some when they look at them, and others later
        sides = stored_pixels(path).shape[:2]
    return found._replace(height=sides[0], width=sides[1])


def _common(dtypes: set[np.dtype]) -> np.dtype:
    if any(dtype.kind == "f" for dtype in dtypes):
        return np.dtype(np.float32)
    return max(dtypes, key=lambda dtype: dtype.itemsize)


def _full(dtype: np.dtype) -> Range | None:
    return (0.0, float(np.iinfo(dtype).max)) if dtype.kind == "u" else None


def _one(sides: set[int]) -> int | None:
    return next(iter(sides)) if len(sides) == 1 else None
