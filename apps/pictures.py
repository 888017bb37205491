"""Picture files in and out, with their format, orientation, alpha and colour profile kept."""

from __future__ import annotations

import pathlib
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

LOSSY = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}}
GREY = ("1", "L", "LA", "I;16", "I;16B", "I;16L")


class Picture(NamedTuple):
    """What a file holds.

    Attributes:
        pixels: `(height, width, 3)` as stored, before any turning: uint8, or float32 in [0, 1]
            where the file has 16 bits.
        alpha: `(height, width)`, uint8, or `None`.
        grey: Whether the three channels are one.
        saving: Options of Pillow's `save`: format, EXIF (with the orientation), colour profile.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    grey: bool
    saving: dict[str, Any]


def read(path: pathlib.Path) -> Picture:
    """Reads a picture file.

    Raises:
        ValueError: If it cannot be read, or holds several frames or pixels without a fixed range.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _taken_apart(image)
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        raise ValueError(f"{path}: not a readable picture ({error}).") from error


def _taken_apart(image: Image.Image) -> Picture:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 or image.mode in ("I", "F"):
        raise ValueError(f"{frames} frames of mode {image.mode}; one of 8 or 16 bits is expected")
    saving: dict[str, Any] = {"format": image.format, **LOSSY.get(str(image.format), {})}
    kept = {"exif": image.getexif().tobytes(), "icc_profile": image.info.get("icc_profile")}
    saving |= {name: value for name, value in kept.items() if value}
    if image.mode.startswith("I;16"):
        shades = np.asarray(image).astype("float32") / 65535.0
        return Picture(np.repeat(shades[..., np.newaxis], 3, axis=-1), None, True, saving)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return Picture(rgba[..., :3], rgba[..., 3], image.mode in GREY, saving)
    return Picture(np.asarray(image.convert("RGB")), None, image.mode in GREY, saving)


def write(restored: np.ndarray, original: Picture, path: pathlib.Path) -> None:
    """Writes restored pixels as the original was: grey, alpha, bits, format and orientation.

    Args:
        restored: `(height, width, 3)`, of the original's type; may be larger than the original,
            whose alpha is then enlarged alike.
        original: What was read.
        path: Where to write; its folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.mean(restored, axis=-1) if original.grey else restored
    if restored.dtype == np.uint8:
        image = Image.fromarray(np.round(pixels).astype(np.uint8))
    else:
        image = Image.fromarray(np.round(65535.0 * pixels).astype(np.uint16))
    if original.alpha is not None:
        image.putalpha(Image.fromarray(original.alpha).resize(image.size, Image.Resampling.BICUBIC))
    image.save(path, **original.saving)
