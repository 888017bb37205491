"""Picture files in and out, with their format, orientation, alpha and colour profile kept."""

from __future__ import annotations

import pathlib
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image

LOSSY = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"quality": 95}}
GREY = ("1", "L", "LA", "I;16", "I;16B", "I;16L")
RECOLOURED = ("CMYK", "YCbCr", "LAB", "HSV")  # converted to RGB, which their profile is not of
# What the pixels do not depend on: in TIFF files the same directory also describes the pixels.
KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Orientation,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)


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
        ValueError: If it cannot be read, or is an animation or has pixels without a fixed range.
    """
    try:
        with Image.open(path) as image:
            image.load()
            return _taken_apart(image, path)
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        raise ValueError(f"{path}: not a readable picture ({error}).") from error


def _taken_apart(image: Image.Image, path: pathlib.Path) -> Picture:
    frames = getattr(image, "n_frames", 1)
    # Phones write a preview as second frame of a JPEG, which is then called MPO.
    if (frames > 1 and image.format != "MPO") or image.mode in ("I", "F"):
        raise ValueError(f"{frames} frames of mode {image.mode}; one of 8 or 16 bits is expected")
    saving, grey = _saving(image, path), image.mode in GREY
    if image.mode.startswith("I;16"):
        shades = np.asarray(image).astype("float32") / 65535.0
        return Picture(np.repeat(shades[..., np.newaxis], 3, axis=-1), None, True, saving)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return Picture(rgba[..., :3], rgba[..., 3], grey, saving)
    return Picture(np.asarray(image.convert("RGB")), None, grey, saving)


def _saving(image: Image.Image, path: pathlib.Path) -> dict[str, Any]:
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    saving: dict[str, Any] = {"format": kind, **LOSSY.get(kind, {})}
    if kind == "WEBP" and b"VP8L" in path.read_bytes()[:64]:
        saving = {"format": kind, "lossless": True}
    if image.info.get("icc_profile") and image.mode not in RECOLOURED:
        saving["icc_profile"] = image.info["icc_profile"]
    kept, found = Image.Exif(), image.getexif()
    for tag in KEPT_TAGS:
        if tag in found:
            kept[tag] = found[tag]
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        kept.get_ifd(directory).update(found.get_ifd(directory))
    return {**saving, "exif": kept.tobytes()} if len(kept) else saving


def write(restored: np.ndarray, original: Picture, path: pathlib.Path) -> None:
    """Writes restored pixels as the original was: grey, alpha, bits, format and orientation.

    Args:
        restored: `(height, width, 3)`, of the original's type; may be larger than the original,
            whose alpha is then enlarged alike.
        original: What was read.
        path: Where to write; its folder is made.

    Raises:
        ValueError: If the file cannot be written; none is then left.
    """
    pixels = np.mean(restored, axis=-1) if original.grey else restored
    if restored.dtype == np.uint8:
        image = Image.fromarray(np.round(pixels).astype(np.uint8))
    else:
        image = Image.fromarray(np.round(65535.0 * pixels).astype(np.uint16))
    if original.alpha is not None:
        image.putalpha(Image.fromarray(original.alpha).resize(image.size, Image.Resampling.BICUBIC))
    _save(image, path, original.saving)


def _save(image: Image.Image, path: pathlib.Path, options: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(part, **options)
        part.replace(path)
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        part.unlink(missing_ok=True)
        raise ValueError(f"{path}: cannot be written ({error}).") from error
