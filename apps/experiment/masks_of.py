"""Masks of classes as files: class numbers, in a palette of the colours of the classes."""

from __future__ import annotations

import collections
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image

from keras_ms import safe_files
from keras_ms.data.sources.picture_file import upright
from keras_ms.inference.class_colours import bands_of

OF_PALETTES = 256  # most colours of a palette; more classes are shades of grey of 16 bits


def written(
    scores: np.ndarray, colours: Sequence[str], orientation: int, path: pathlib.Path
) -> np.ndarray:
    """Writes the classes of the largest scores as an upright PNG file.

    Args:
        scores: `(height, width, classes)`, unturned.
        colours: Of the classes.
        orientation: How the pixels are turned, as in EXIF.
        path: The file; its folder is made.

    Returns:
        The mask in colours `(height, width, 3)`, uint8, unturned.

    Raises:
        ValueError: If it cannot be written.
    """
    classes, bands = scores.argmax(-1), bands_of(colours)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with safe_files.whole(path) as unfinished:
            _image(upright(classes, orientation), bands).save(unfinished, "PNG")
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror or error}).") from error
    return bands[classes]


def _image(classes: np.ndarray, bands: np.ndarray) -> Image.Image:
    if len(bands) > OF_PALETTES:
        return Image.fromarray(classes.astype(np.uint16))
    image = Image.fromarray(classes.astype(np.uint8))
    image.putpalette(bands.tobytes())
    return image


def names(pictures: Mapping[pathlib.Path, pathlib.Path]) -> dict[pathlib.Path, pathlib.Path]:
    """Names of the masks of pictures: `a/7.jpg` has the mask `a/7.png`.

    Of pictures whose names differ in the format alone, each mask keeps the whole name:
    `7.jpg.png` and `7.tif.png`.

    Args:
        pictures: Names by picture.
    """
    counted = collections.Counter(name.with_suffix("") for name in pictures.values())
    return {
        path: name.with_suffix(".png")
        if counted[name.with_suffix("")] == 1
        else name.with_name(f"{name.name}.png")
        for path, name in pictures.items()
    }
