"""Pictures of many files in one type and number of bands: one side of a folder of pairs."""

from __future__ import annotations

import collections
import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from keras_ms.data.sources.kinds import Kind, converted
from keras_ms.data.sources.picture_file import (
    header,
    is_tiff,
    orientation,
    stored_pixels,
    unreadable,
)
from keras_ms.data.sources.pillow_reader import said_of
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.data.sources.stored import LYING, MAX_MEGAPIXELS, Header, ends

Range = tuple[float, float]
Path = str | os.PathLike[str]

BOUNDS = -0.5, 1.5
"""Values that may be meant for 0 to 1: enlarging and sharpening go beyond."""


class PictureSide:
    """Reads picture files so that all come in one type and number of bands.

    Bands are those of most files; grey files among coloured ones get three. The type is the
    smallest that holds the depths of all files: bytes among files of 16 bits are spread over
    their range, integers among floats become floats from 0 to 1. With a `value_range`, and among
    signed integers or those of 32 bits, values stay as they are. Where 32 bits would not hold
    them, those with a `value_range` are scaled when they are read.

    Args:
        headers: Of all files, those of unreadable ones left out.
        value_range: Values that become 0 and 1, checked, or `None`: the type's.
        as_stored: Whether values are wanted as in the files, so that no type needs a range.
        option: What says `value_range`, for messages.
        bounded: Whether pictures are refused whose values do not lie about 0 and 1 once they are
            scaled: `value_range` is missing, or wrong.
        bands: Number of bands, or `None`: found as above.

    Attributes:
        spec: Of one picture; sides that differ are `None`.
        values: Values that become 0 and 1, or `None` where floats stay as they are.

    Raises:
        ValueError: If black and white are not known, for want of a `value_range`.
    """

    def __init__(
        self,
        headers: Sequence[Header],
        value_range: Range | None,
        as_stored: bool = False,
        option: str = "value_range",
        bounded: bool = False,
        bands: int | None = None,
    ) -> None:
        self._bounded_by = option if bounded else None
        counted = collections.Counter(header.bands for header in headers)
        usual = 3 if set(counted) == {1, 3} else counted.most_common(1)[0][0]
        self.bands = bands or usual
        types = {np.dtype(header.dtype) for header in headers}
        self.dtype = _common(types)
        whole = [header for header in headers if header.whole]
        if whole and value_range is None and not as_stored:
            raise ValueError(
                "Signed integers, and those of 32 bits, do not say what black and white are. "
                f"Received: {option}=None, {len(whole)} of {len(headers)} files of such. Use for "
                f"example {option}=(-1000, 3000) (in the apps: --{option}=-1000,3000)."
            )
        self._as_they_are = value_range is not None or bool(whole)
        self._scaled_at_once = value_range if np.dtype(np.float64) in types else None
        self.values = None if self._scaled_at_once else value_range or _full(self.dtype)
        sides = [_one({h.height for h in headers}), _one({h.width for h in headers})]
        self.spec = tf.TensorSpec((*sides, self.bands), tf.as_dtype(self.dtype))

    def read(self, path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
        """Reads a picture `(height, width, bands)`, not scaled to [0, 1] but for wide types.

        Raises:
            ValueError: If it cannot be read, or has another number of bands or a greater depth.
        """
        pixels = stored_pixels(path, max_megapixels)
        try:
            return self.converted(pixels)
        except ValueError as error:
            raise unreadable(path, error) from error

    def converted(self, pixels: np.ndarray) -> np.ndarray:
        """What `read` makes of the pixels of a file.

        Raises:
            ValueError: If they have another number of bands or a greater depth.
        """
        if self._scaled_at_once is not None:
            low, high = self._scaled_at_once
            pixels = ((pixels.astype(np.float64) - low) / (high - low)).astype(self.dtype)
        elif self._as_they_are and np.can_cast(pixels.dtype, self.dtype, "same_kind"):
            pixels = pixels.astype(self.dtype)
        pixels = converted(pixels, Kind(self.bands, self.dtype))
        self._check_bounds(pixels)
        return pixels

    def _check_bounds(self, pixels: np.ndarray) -> None:
        if self._bounded_by is None:
            return
        least, greatest = self.scaled(np.array(ends(pixels), pixels.dtype))
        if not (BOUNDS[0] <= least and greatest <= BOUNDS[1]):
            seen = "" if self.values is None else ", scaled"
            raise ValueError(
                f"its values lie in [{least:g}, {greatest:g}]{seen}, not in [0, 1]; say what black "
                f"and white are by `{self._bounded_by}` (in the apps: --{self._bounded_by})"
            )

    def scaled(self, pixels: np.ndarray) -> np.ndarray:
        """Pixels as floats, with `values` as 0 and 1."""
        if self.values is None:
            return pixels
        low, high = self.values
        return (pixels.astype(np.float32) - np.float32(low)) * np.float32(1.0 / (high - low))


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
        raise ValueError(
            f"None of {len(heads)} files can be read. Received: {said_of(heads[0])}. Use files "
            "that open as pictures; copy or download damaged ones again."
        )
    return found


def upright_header(path: Path) -> Header:
    """The header of a file as its pixels are read: upright photographs are often stored lying.

    Raises:
        ValueError: If the file cannot be read as a picture.
    """
    found = header(path)
    turned = orientation(path)
    found = found._replace(orientation=turned)
    if turned < LYING:
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
