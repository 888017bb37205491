"""Picture files in and out, with their format, depth, bands, alpha and colours kept."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from PIL import Image

from keras_ms import safe_files
from keras_ms.data.sources import jpeg_segments, pillow_reader, png_chunks
from keras_ms.data.sources.folder import checked_value_range
from keras_ms.data.sources.hidden_colours import filled
from keras_ms.data.sources.picture_file import stored
from keras_ms.data.sources.stored import MAX_MEGAPIXELS, ends, full
from keras_ms.inference import tiff_files
from keras_ms.inference.metadata import Metadata, metadata
from keras_ms.inference.tiff_files import TiffTags

Range = tuple[float, float]

AT_ONCE = 2**20  # values that are scaled at once, in double precision


class Picture(NamedTuple):
    """What a file holds.

    Attributes:
        pixels: `(height, width, bands)` as stored, unturned (but TIFF files upright), colours
            that cannot be seen filled from their neighbours: uint8 or uint16, or floats in [0, 1]
            where the file has floats, or black and white are said to be other values.
        alpha: `(height, width)`, of the file's type, or `None`.
        orientation: How the pixels are turned, 1 to 8 as in EXIF; 1 is upright.
        dtype: Type of the pixels in the file.
        value_range: The values of black and white in the file.
        told: What accompanies the pixels.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    orientation: int
    dtype: np.dtype
    value_range: Range
    told: Metadata | TiffTags

    @property
    def notes(self) -> tuple[str, ...]:
        """What will be left out when it is written, and why."""
        return self.told.notes


def read(
    path: pathlib.Path,
    max_megapixels: float = MAX_MEGAPIXELS,
    value_range: Range | None = None,
) -> Picture:
    """Reads a picture file.

    Args:
        path: The file.
        max_megapixels: Larger pictures are refused.
        value_range: The values of black and white. Defaults to the whole range of bytes and of 16
            bits, to [0, 1] of floats.

    Raises:
        ValueError: If it cannot be read, or not be written again, or is an animation, or has
            values outside of the range.
    """
    given = checked_value_range(value_range)
    found = stored(path, max_megapixels)
    try:
        told = _told(path, found.format, found.pixels, max_megapixels)
        bounds = given or (0.0, full(found.pixels.dtype))
        pixels = filled(found.pixels, found.alpha)
        if given or pixels.dtype.kind == "f":
            pixels = _scaled(pixels, bounds)
    except Exception as error:  # damaged files fail in many ways
        raise pillow_reader.unreadable(path, error) from error
    return Picture(pixels, found.alpha, found.orientation, found.pixels.dtype, bounds, told)


def _told(
    path: pathlib.Path, kind: str, pixels: np.ndarray, max_megapixels: float
) -> Metadata | TiffTags:
    if kind == "TIFF":
        return tiff_files.tags(path, pixels.shape[-1], pixels.dtype)
    frames = pillow_reader.opened(path, _frames, max_megapixels, load=False)
    if frames > 1:
        raise ValueError(f"{frames} frames; one is expected")
    Image.init()  # else it knows the most common formats only
    if kind not in Image.SAVE:
        raise ValueError(f"files of the format {kind} can be read, but not written")
    return metadata(path, kind, max_megapixels)


def _frames(image: Image.Image) -> int:
    # Phones write a preview as second frame of a JPEG, which is then called MPO.
    return 1 if image.format == "MPO" else getattr(image, "n_frames", 1)


def _scaled(pixels: np.ndarray, bounds: Range) -> np.ndarray:
    low, high = bounds
    least, greatest = ends(pixels)
    if not low <= least <= greatest <= high:
        raise ValueError(
            f"its values lie in [{least:g}, {greatest:g}], not in [{low:g}, {high:g}]; say what "
            "black and white are by `value_range` (in the apps: --value_range)"
        )
    dtype = np.float64 if pixels.dtype == np.float64 else np.float32
    return _by_rows(pixels, dtype, lambda part: (part - low) / (high - low))


def _by_rows(
    pixels: np.ndarray, dtype: Any, made: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """What is made of pixels in double precision, some rows at a time for the sake of memory."""
    result = np.empty(pixels.shape, dtype)
    step = max(1, AT_ONCE // max(1, pixels[:1].size))
    for start in range(0, len(pixels), step):
        rows = slice(start, start + step)
        result[rows] = made(pixels[rows].astype(np.float64))
    return result


def write(restored: np.ndarray, original: Picture, path: pathlib.Path) -> None:
    """Writes restored pixels as the original was: depth, bands, alpha, format and orientation.

    Args:
        restored: `(height, width, bands)`, of the type of the original's pixels; may be larger
            than the original, whose alpha is then enlarged alike.
        original: What was read.
        path: Where to write; its folder is made.

    Raises:
        ValueError: If the file cannot be written; none is then left.
    """
    pixels, alpha = _as_stored(restored, original), original.alpha
    if alpha is not None and alpha.shape != pixels.shape[:2]:
        alpha = _enlarged(alpha, pixels.shape[:2])
    enlarged = pixels.shape[:2] != original.pixels.shape[:2]
    try:
        with safe_files.workplace(path.parent) as place:  # names may be as long as names can be
            whole = place / "whole"
            _write(place / "part", whole, pixels, alpha, original.told, enlarged)
            safe_files.put(whole, path)
    except Exception as error:  # each format fails in a way of its own
        raise ValueError(f"{path}: cannot be written ({error}).") from error


def _as_stored(restored: np.ndarray, original: Picture) -> np.ndarray:
    if restored.dtype == original.dtype and restored.dtype.kind == "u":
        return restored
    low, high = original.value_range
    white = full(original.dtype)

    def unscaled(part: np.ndarray) -> np.ndarray:
        values = part * (high - low) + low
        return np.clip(np.round(values), 0, white) if original.dtype.kind == "u" else values

    return _by_rows(restored, original.dtype, unscaled)


def _enlarged(alpha: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    size = (shape[1], shape[0])
    if alpha.dtype == np.uint8:
        return np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BICUBIC))
    floats = Image.fromarray(alpha.astype(np.float32))
    values = np.asarray(floats.resize(size, Image.Resampling.BICUBIC))
    values = np.clip(values, 0, full(alpha.dtype))
    return (np.round(values) if alpha.dtype.kind == "u" else values).astype(alpha.dtype)


def _write(
    part: pathlib.Path,
    whole: pathlib.Path,
    pixels: np.ndarray,
    alpha: np.ndarray | None,
    told: Metadata | TiffTags,
    enlarged: bool,
) -> None:
    if isinstance(told, TiffTags):
        tiff_files.write(whole, pixels, alpha, told, enlarged)
        return
    both = pixels if alpha is None else np.concatenate([pixels, alpha[..., np.newaxis]], axis=-1)
    kind = told.saving["format"]
    if both.dtype == np.uint16 and kind == "PNG":
        part.write_bytes(_png_of_16_bits(both))
    elif both.dtype == np.uint16 and kind == "PPM":
        part.write_bytes(_pnm_of_16_bits(both))
    else:
        Image.fromarray(both[..., 0] if both.shape[-1] == 1 else both).save(part, **told.saving)
    insert: Any = {"PNG": png_chunks.insert, "JPEG": jpeg_segments.insert}.get(kind)
    if told.parts:
        insert(part, told.parts, whole)
    else:
        part.replace(whole)


def _png_of_16_bits(pixels: np.ndarray) -> bytes:
    with tf.device("CPU:0"):
        return bytes(tf.io.encode_png(pixels).numpy())


def _pnm_of_16_bits(pixels: np.ndarray) -> bytes:
    height, width, bands = pixels.shape
    start = f"P{6 if bands == 3 else 5}\n{width} {height}\n65535\n"
    return start.encode() + pixels.astype(">u2").tobytes()
