"""One kind of pixels for a whole folder: how many bands, how many bits."""

from __future__ import annotations

import collections
import contextlib
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_ms.data.sources.picture_file import header
from keras_ms.data.sources.stored import Header, RefusedError, full

SAMPLE = 64  # files whose headers are looked at
FEW = 0.25  # of the files, that may be left out


class Kind(NamedTuple):
    """What all pictures of a folder become: so many bands, of a type."""

    bands: int
    dtype: np.dtype


def common_kind(files: Sequence[pathlib.Path], bands: int | None = None) -> Kind | None:
    """The kind of most pictures of a folder; `None` if none of those looked at can be read.

    Pictures of 8 bits become RGB, as long as there are none of more. Up to 64 files, spread evenly
    over the folder, are looked at.

    Args:
        files: The files.
        bands: Number of bands, if it is not to be found out.
    """
    headers = []
    for path in files[:: max(1, len(files) // SAMPLE)]:
        with contextlib.suppress(ValueError):
            headers.append(header(path))
    if not headers:
        return None
    return Kind(bands or _bands(headers), _dtype(headers))


def _bands(headers: list[Header]) -> int:
    counts = collections.Counter(found.bands for found in headers)
    most, count = max(counts.items(), key=lambda item: (item[1], item[0]))
    if set(counts) <= {1, 3}:
        deep = any(found.bands == 1 and found.dtype != np.uint8 for found in headers)
        few = len(headers) - count <= FEW * len(headers)
        return 1 if most == 1 and deep and few else 3
    return most


def _dtype(headers: list[Header]) -> np.dtype:
    counts = collections.Counter(found.dtype for found in headers)
    ((most, _),) = counts.most_common(1)
    if most.kind == "f":
        return np.dtype(np.float32)
    return np.dtype(np.uint16 if np.dtype(np.uint16) in counts else np.uint8)


def converted(pixels: np.ndarray, kind: Kind) -> np.ndarray:
    """Pixels as a kind: grey as RGB, 8 bits as 16, whole numbers as fractions of white.

    Args:
        pixels: `(height, width, bands)`.
        kind: What they shall be.

    Raises:
        ValueError: If something would be lost.
    """
    return _of_type(_of_bands(pixels, kind.bands), kind.dtype)


def _of_bands(pixels: np.ndarray, bands: int) -> np.ndarray:
    if pixels.shape[-1] == bands:
        return pixels
    if pixels.shape[-1] == 1 and bands == 3:
        return np.repeat(pixels, 3, axis=-1)
    if bands == 1 and np.all(pixels == pixels[..., :1]):
        return pixels[..., :1]
    raise RefusedError(f"it has {pixels.shape[-1]} bands, the others have {bands}")


def _of_type(pixels: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if pixels.dtype == dtype:
        return pixels
    if dtype.kind == "f":
        return (pixels / full(pixels.dtype)).astype(dtype)
    if pixels.dtype == np.uint8 and dtype == np.uint16:
        return pixels.astype(np.uint16) * 257
    raise RefusedError(f"its pixels are {pixels.dtype}, which {dtype} of the others cannot hold")
