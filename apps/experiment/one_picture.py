"""One picture file, restored as another: what a folder of them and the page have in common."""

from __future__ import annotations

import math
import pathlib
import warnings
from typing import NamedTuple

import numpy as np

import keras_ms
from keras_ms.data.sources.kinds import Kind, converted
from keras_ms.data.sources.stored import MAX_MEGAPIXELS
from keras_ms.inference import Restorer, pictures
from keras_ms.inference.restoring import of_grey

from . import masks_of


class How(NamedTuple):
    """How pictures are restored.

    Attributes:
        restorer: The model.
        max_pixels: Larger pictures are restored in tiles.
        noise_level: t, for a model that is told the noise level.
        max_megapixels: Larger pictures are refused.
        value_range: The values of black and white; `None` for those of the type.
    """

    restorer: Restorer
    max_pixels: int = 1_000_000
    noise_level: float | None = None
    max_megapixels: float = MAX_MEGAPIXELS
    value_range: tuple[float, float] | None = None


class Made(NamedTuple):
    """A picture that was restored.

    Attributes:
        picture: What was read.
        restored: Its pixels, restored, unturned as they were.
        remarks: What there is to tell, one sentence each.
    """

    picture: pictures.Picture
    restored: np.ndarray
    remarks: tuple[str, ...]


def load(model: str, trust: bool = False, masks: bool = False) -> Restorer:
    """Loads a model from pictures to pictures; warns of what it does besides, if it is trusted.

    Args:
        model: Its name or folder.
        trust: Whether it may do more than compute.
        masks: Whether a model of classes serves, too.

    Raises:
        ValueError: If there is none, or it does more than compute and is not trusted.
    """
    restorer = keras_ms.inference.load(model, trust=trust)
    serves = restorer.output == "image" or (masks and restorer.classes is not None)
    if restorer.spatial_dims != 2 or not serves:
        others = " or to masks of classes" if masks else ""
        raise ValueError(
            f"Files are restored by models from pictures to pictures{others}. Received: "
            f"--model={model}, of {restorer.spatial_dims} spatial axes, output={restorer.output!r} "
            f"and classes={restorer.classes}. Use keras_ms.inference.restore on arrays, or, if it "
            "tells classes, export it with output='raw' and classes=, how many there are."
        )
    return restorer


def check_tile(how: How) -> None:
    """Raises `ValueError` if `max_pixels` is less than a tile of the model."""
    least = how.restorer.least_tile**2
    if how.max_pixels < least:
        raise ValueError(
            f"A tile of this model has {least} pixels at least. Received: "
            f"--max_pixels={how.max_pixels}."
        )


def check(how: How) -> None:
    """Raises `ValueError` if the noise level is missing or not wanted, or no tile is so small."""
    if how.restorer.conditional != (how.noise_level is not None):
        raise ValueError(
            "A model that is told the noise level needs --noise_level, any other takes none. "
            f"Received: --noise_level={how.noise_level}, a model of which conditional is "
            f"{how.restorer.conditional}."
        )
    check_tile(how)


def read(how: How, path: pathlib.Path) -> pictures.Picture:
    """Reads a picture of the bands that the model takes.

    Raises:
        ValueError: If it cannot be read, or has other bands.
    """
    picture = pictures.read(path, how.max_megapixels, how.value_range)
    bands, taken = picture.pixels.shape[-1], how.restorer.channels
    spread = (bands, taken) == (1, 3) and how.restorer.classes is None
    if bands == taken or spread:
        return picture
    try:
        pixels = converted(picture.pixels, Kind(taken, picture.pixels.dtype))
    except ValueError as error:
        raise ValueError(f"{path}: has {bands} bands, the model takes {taken}.") from error
    return picture._replace(pixels=pixels)


def restore(how: How, path: pathlib.Path, target: pathlib.Path) -> Made:
    """Restores one file and writes the result, in its format, bits, bands and orientation.

    A model of classes makes an upright mask, a PNG file, of it.

    Args:
        how: How.
        path: The picture.
        target: Where to write; the name says nothing about the format.

    Raises:
        ValueError: If it cannot be read, restored or written.
    """
    picture = read(how, path)
    grey = picture.pixels.shape[-1] < how.restorer.channels
    restorer = of_grey(how.restorer) if grey else how.restorer
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        restored = keras_ms.inference.restore(
            restorer, picture.pixels, math.isqrt(how.max_pixels), how.noise_level
        )
    remarks = [f"{warning.message} (--max_pixels)" for warning in said]
    if how.restorer.classes is not None:
        shown = masks_of.written(restored, how.restorer.classes, picture.orientation, target)
        return Made(picture, shown, tuple(remarks))
    pictures.write(restored, picture, target)
    if picture.notes:
        remarks.append(f"left out {', '.join(picture.notes)}.")
    return Made(picture, restored, tuple(remarks))
