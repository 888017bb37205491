"""Pictures of Pillow that are in memory, read as their files would be."""

from __future__ import annotations

import contextlib
import os

import numpy as np
from PIL import Image

from keras_ms.data.sources import pillow_reader
from keras_ms.data.sources.hidden_colours import filled
from keras_ms.data.sources.lost_bits import check_depth
from keras_ms.data.sources.stored import LYING, Header, RefusedError, upright
from keras_ms.data.sources.written_shades import as_written


def header(picture: Image.Image) -> Header:
    """Upright size, bands and type of what `shown` returns.

    Raises:
        ValueError: If it cannot be decoded.
    """
    _load(picture)
    turned = _orientation(picture)
    found = pillow_reader.header_of(picture)._replace(orientation=turned)
    if turned < LYING:
        return found
    return found._replace(height=found.width, width=found.height)


def path_of(picture: Image.Image) -> str:
    """The file that a picture was opened from, if it is still there; else an empty string."""
    path = getattr(picture, "filename", "")
    return os.fspath(path) if path and os.path.isfile(path) else ""


def shown(picture: Image.Image) -> np.ndarray:
    """The pixels of a picture that is looked at, upright.

    Palettes become RGB, bits become bytes. Alpha is left out: pixels of no opacity get the colour
    of the nearest one that can be seen.

    Returns:
        Array `(height, width, bands)` of 1 or 3 bands; uint8, uint16, float32 or float64.

    Raises:
        ValueError: If it cannot be decoded, or all of it is transparent.
    """
    _load(picture)
    pixels, alpha = pillow_reader.apart(picture)
    return np.ascontiguousarray(upright(filled(pixels, alpha), _orientation(picture)))


def numbers(picture: Image.Image) -> np.ndarray | None:
    """The numbers of a class map, or of other shades, upright; `None` if a picture has colours.

    Palettes give their indices, 1 bit gives 0 and 1. Alpha is left out, and hides nothing.

    Returns:
        Array `(height, width, 1)` of uint8, uint16, int32 or float32.
    """
    _load(picture)
    found = indices(picture)
    if found is None:
        found = _shades(picture)
    if found is None:
        return None
    return np.ascontiguousarray(upright(found, _orientation(picture)))[..., np.newaxis]


def indices(picture: Image.Image) -> np.ndarray | None:
    """The numbers `(height, width)` of a palette picture, or of one of 1 bit; else `None`."""
    if picture.mode not in ("P", "PA", "1"):
        return None  # not decoded
    picture.load()
    array = np.asarray(picture)
    if picture.mode == "1":
        return array.astype(np.uint8)
    return array[..., 0] if picture.mode == "PA" else array


def _shades(picture: Image.Image) -> np.ndarray | None:
    if picture.mode == "La":
        picture = picture.convert("LA")
    if picture.mode in ("I", "F") and picture.format not in ("PNG", "PPM"):
        return np.asarray(picture)
    if not (picture.mode in ("L", "LA", "I", "F") or picture.mode.startswith("I;16")):
        return None
    array = np.asarray(picture)
    array = array[..., 0] if array.ndim == 3 else array
    if picture.mode.startswith("I"):  # Pillow may have 32 bits for 16
        array = array.astype(np.uint16)
    path = path_of(picture)
    return as_written(array, path) if path and array.dtype.kind == "u" else array


def _load(picture: Image.Image) -> None:
    try:
        check_depth(picture)
        picture.load()
    except RefusedError as error:
        raise ValueError(
            f"Pillow would cut the 16 bits of this {picture.format} to 8; give its path instead"
        ) from error
    except Exception as error:  # damaged files fail in many ways
        raise ValueError(f"it cannot be decoded ({error})") from error


def _orientation(picture: Image.Image) -> int:
    """How the pixels of a loaded picture are turned, as `pillow_reader.orientation` of a file."""
    if getattr(picture, "format", None) == "TIFF":  # turned when it is loaded
        return 1
    with contextlib.suppress(Exception):  # damaged EXIF data fail in many ways
        return pillow_reader.orientation_of(picture.getexif())
    path = path_of(picture)
    return pillow_reader.orientation(path) if path else 1
