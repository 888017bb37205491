"""What a picture file holds: its pixels, and how they are turned. Every reader of files uses it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image

Made = TypeVar("Made")


def opened(path: str | os.PathLike[str], take: Callable[[Image.Image], Made]) -> Made:
    """Opens and decodes a picture file.

    Args:
        path: The file.
        take: What to make of the decoded image, while its file is open.

    Returns:
        What `take` returned.

    Raises:
        ValueError: If the file cannot be decoded, or `take` fails.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return take(image)
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        raise ValueError(
            f"Not a readable image. Received: {os.fspath(path)!r} ({error})."
        ) from error


def rgb(image: Image.Image) -> np.ndarray:
    """Pixels `(height, width, 3)` as stored, unturned: uint8, or uint16 where there are 16 bits.

    Raises:
        ValueError: If pixels have no fixed range.
    """
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of Pillow mode {image.mode} have no fixed range")
    if image.mode.startswith("I;16"):  # Pillow would clip it to its lowest 256 shades
        shades = np.asarray(image).astype(np.uint16)
        return np.repeat(shades[..., np.newaxis], 3, axis=-1)
    return np.asarray(image.convert("RGB"))


def orientation(image: Image.Image) -> int:
    """How the pixels are turned, 1 to 8 as in EXIF; 1 is upright. Pillow itself turns TIFFs."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turns `(height, width, ...)` pixels as an EXIF orientation, 1 to 8, says."""
    mirrored = orientation in (2, 4, 5, 7)
    quarters = {3: 2, 4: 2, 5: 1, 6: -1, 7: -1, 8: 1}.get(orientation, 0)
    return np.rot90(pixels[:, ::-1] if mirrored else pixels, quarters)
