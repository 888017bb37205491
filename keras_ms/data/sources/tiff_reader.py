"""TIFF files of any depth and number of bands, by tifffile; what Pillow reads whole is left to it.

Pillow knows more ways of compression and of colour, tifffile more depths and bands.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from keras_ms.data.sources import tiff_lzw
from keras_ms.data.sources.stored import MAX_BANDS, Header, RefusedError, Stored, full, upright

SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2  # photometric interpretations
ASSOCIATED, UNASSOCIATED = 1, 2  # extra samples that are alpha
DEPTHS = (8, 16, 32, 64)
BAND_AXES = ("YXS", "SYX", "CYX", "YXC")

Path = str | os.PathLike[str]
Made = TypeVar("Made")


def opened(path: Path, take: Callable[[Any], Made]) -> Made:
    """What `take` makes of the open `tifffile.TiffFile`."""
    import tifffile  # imported late: it would slow down `import keras_ms`

    with tifffile.TiffFile(path) as file:
        return take(file)


def is_ours(file: Any) -> bool:
    """Whether Pillow would lose depth or bands of an open `tifffile.TiffFile`."""
    if not is_known(file):
        return False
    page, series = file.pages[0], file.series[0]
    alphas = [kind for kind in page.extrasamples if kind in (ASSOCIATED, UNASSOCIATED)]
    colours = 3 if page.photometric == RGB else 1
    usual = page.samplesperpixel == colours + len(alphas) and len(alphas) <= 1
    return not (page.dtype == np.uint8 and usual and len(series.pages) == 1)


def is_known(file: Any) -> bool:
    """Whether an open file is of a depth, and of colours, that are read here."""
    page = file.pages[0]
    colours = page.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
    return colours and page.dtype is not None and page.bitspersample in DEPTHS


def is_of_one_band(file: Any) -> bool:
    """Whether Pillow would read an open file right: not more bands, nor swapped floats."""
    page = file.pages[0]
    swapped = page.dtype is not None and page.dtype.kind == "f" and file.byteorder == ">"
    return page.samplesperpixel == 1 and len(file.series[0].pages) == 1 and not swapped


def header(file: Any) -> Header:
    """Size, bands and type of the first picture of an open `tifffile.TiffFile`.

    Raises:
        ValueError: If it is a stack of pages or slices, or of a type of no use.
    """
    series = file.series[0]
    axes, shape = _squeezed(series.axes, series.shape)
    height, width, samples = (shape[axis] for axis in _order(axes, shape))
    alphas = _alphas(file.pages[0]) if "S" in axes else []
    dtype = _type(series.dtype)
    whole = dtype.kind == "f" and series.dtype.kind in "iu"
    return Header(height, width, samples - len(alphas[:1]), dtype, whole)


def decoded(file: Any, max_megapixels: float) -> Stored:
    """The first picture of an open `tifffile.TiffFile`, upright.

    Raises:
        ValueError: As `header`, or if it is too large or its compression unknown.
    """
    known = header(file)
    known.check(max_megapixels)
    page, series = file.pages[0], file.series[0]
    axes, shape = _squeezed(series.axes, series.shape)
    array = _pixels(file).reshape(shape)
    array = array.transpose(_order(axes, shape)).astype(known.dtype, copy=False)
    pixels, alpha = _apart(array, _alphas(page) if "S" in axes else [])
    if page.photometric == WHITE_IS_ZERO and series.dtype.kind == "u":
        pixels = (np.iinfo(series.dtype).max - pixels).astype(pixels.dtype)
    turned = _turned(page)
    pixels = np.ascontiguousarray(upright(pixels, turned))
    return Stored(pixels, None if alpha is None else upright(alpha, turned), 1, "TIFF")


def _pixels(file: Any) -> np.ndarray:
    series = file.series[0]
    lzw = file.pages[0].compression == tiff_lzw.LZW and len(series.pages) == 1
    return tiff_lzw.array(file) if lzw else series.asarray()


def _squeezed(axes: str, shape: tuple[int, ...]) -> tuple[str, list[int]]:
    kept = [
        (axis, length)
        for axis, length in zip(axes, shape, strict=True)
        if length > 1 or axis in "YX"
    ]
    named = "".join(axis for axis, _ in kept)
    lengths = [length for _, length in kept]
    return (f"{named}S", [*lengths, 1]) if named == "YX" else (named, lengths)


def _order(axes: str, shape: list[int]) -> tuple[int, int, int]:
    """The axes of height, width and bands."""
    if axes in BAND_AXES:
        return axes.index("Y"), axes.index("X"), 3 - axes.index("Y") - axes.index("X")
    if len(axes) == 3 and "Q" in axes:  # an array as it was, written page by page
        if shape[2] <= MAX_BANDS and shape[2] < shape[0]:
            return 0, 1, 2
        if shape[0] <= MAX_BANDS:
            return 1, 2, 0
    raise RefusedError(
        f"its axes are {axes}, of lengths {tuple(shape)}; one picture of at most {MAX_BANDS} bands "
        "is expected, not a stack of pages or slices"
    )


def _type(dtype: np.dtype) -> np.dtype:
    """The type that holds all values, of those that pixels may have."""
    if dtype.name in ("uint8", "uint16", "float32", "float64"):
        return np.dtype(dtype.name)
    if dtype.kind not in "iuf":
        raise RefusedError(f"its pixels are of the type {dtype}")
    return np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)


def _alphas(page: Any) -> list[tuple[int, bool]]:
    """Places of the samples that are alpha, and whether colours were multiplied by it."""
    first = page.samplesperpixel - len(page.extrasamples)
    kinds = enumerate(page.extrasamples, first)
    return [(k, kind == ASSOCIATED) for k, kind in kinds if kind in (ASSOCIATED, UNASSOCIATED)]


def _apart(
    array: np.ndarray, alphas: list[tuple[int, bool]]
) -> tuple[np.ndarray, np.ndarray | None]:
    if not alphas:
        return array, None
    place, multiplied = alphas[0]
    alpha = array[..., place]
    pixels = np.delete(array, place, axis=-1)
    if not multiplied:
        return pixels, alpha
    white = full(array.dtype)
    share = np.maximum(alpha[..., np.newaxis].astype(np.float64), 1e-12) / white
    divided = pixels / share
    if array.dtype.kind == "u":
        divided = np.minimum(np.round(divided), white)
    return divided.astype(array.dtype), alpha


def _turned(page: Any) -> int:
    tag = page.tags.get(274)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def orientation(file: Any) -> int:
    """How the pixels of an open file are turned, 1 to 8 as in EXIF."""
    return _turned(file.pages[0])


def bits_and_white(file: Any) -> tuple[int, bool]:
    """Bits of a shade of an open file, and whether 0 is white."""
    page = file.pages[0]
    return page.bitspersample, page.photometric == WHITE_IS_ZERO


def integers(file: Any) -> np.ndarray | None:
    """The integers `(height, width)` of a file of one band of them, upright; else `None`."""
    page, series = file.pages[0], file.series[0]
    if not is_ours(file) or series.dtype.kind not in "iu" or page.photometric == RGB:
        return None
    axes, shape = _squeezed(series.axes, series.shape)
    if axes != "YXS" or shape[2] != 1:
        return None
    return upright(_pixels(file).reshape(shape[:2]), _turned(page))
