"""Pictures of many files in one type and number of bands: one side of a folder of pairs."""

from __future__ import annotations

import collections
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms.data.sources.picture_file import Header, stored_pixels

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
        value_range: Values that become 0 and 1, or `None`: the type's.

    Attributes:
        spec: Of one picture; sides that differ are `None`.
        values: Values that become 0 and 1, or `None` where floats stay as they are.
    """

    def __init__(self, headers: Sequence[Header], value_range: Range | None) -> None:
        self._given = checked_range(value_range)
        counted = collections.Counter(header.bands for header in headers)
        self.bands = 3 if set(counted) == {1, 3} else counted.most_common(1)[0][0]
        self.dtype = _common({np.dtype(header.dtype) for header in headers})
        self.values = self._given or _full(self.dtype)
        sides = [_one({h.height for h in headers}), _one({h.width for h in headers})]
        self.spec = tf.TensorSpec((*sides, self.bands), tf.as_dtype(self.dtype))

    def read(self, path: Path) -> np.ndarray:
        """Reads a picture `(height, width, bands)`, not scaled to [0, 1].

        Raises:
            ValueError: If it cannot be read, or has another number of bands or a greater depth.
        """
        pixels = stored_pixels(path)
        if pixels.shape[-1] == 1 and self.bands == 3:
            pixels = np.repeat(pixels, 3, axis=-1)
        if pixels.shape[-1] != self.bands:
            raise ValueError(
                f"A picture has another number of bands than others. Received: {os.fspath(path)!r} "
                f"with {pixels.shape[-1]} bands, most have {self.bands}."
            )
        if pixels.dtype == np.float64:
            pixels = pixels.astype(np.float32)
        return pixels if pixels.dtype == self.dtype else self._converted(pixels, path)

    def _converted(self, pixels: np.ndarray, path: Path) -> np.ndarray:
        if not np.can_cast(pixels.dtype, self.dtype):
            raise ValueError(
                f"A picture is deeper than others. Received: {os.fspath(path)!r} of "
                f"{pixels.dtype}, others of {self.dtype}."
            )
        if self._given is not None:
            return pixels.astype(self.dtype)
        if self.dtype == np.uint16:
            return pixels.astype(np.uint16) * 257
        return (pixels / np.float32(_full(pixels.dtype)[1])).astype(self.dtype)  # type: ignore[index]

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels as floats, with `values` as 0 and 1."""
        if self.values is None:
            return pixels
        low, high = self.values
        return (pixels.astype(np.float32) - np.float32(low)) * np.float32(1.0 / (high - low))


def checked_range(value_range: Any) -> Range | None:
    """A range of values as floats.

    Raises:
        ValueError: If it is neither `None` nor two finite numbers, the lower one first.
    """
    if value_range is None:
        return None
    try:
        low, high = (float(value) for value in value_range)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0
    if not low < high or not np.all(np.isfinite((low, high))):
        raise ValueError(
            "A range of values is two finite numbers, those that become 0 and 1. "
            f"Received: {value_range!r}. Use for example value_range=(0, 4095)."
        )
    return low, high


def _common(dtypes: set[np.dtype]) -> np.dtype:
    if any(dtype.kind == "f" for dtype in dtypes):
        return np.dtype(np.float32)
    return max(dtypes, key=lambda dtype: dtype.itemsize)


def _full(dtype: np.dtype) -> Range | None:
    return (0.0, float(np.iinfo(dtype).max)) if dtype.kind == "u" else None


def _one(sides: set[int]) -> int | None:
    return next(iter(sides)) if len(sides) == 1 else None
