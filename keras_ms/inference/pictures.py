"""Picture files in and out, with their format, orientation, alpha and colour profile kept."""

from __future__ import annotations

import contextlib
import pathlib
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image

from keras_ms.data.sources.pillow_reader import opened

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


def rgb(image: Image.Image) -> np.ndarray:
    """Pixels `(height, width, 3)` as stored, unturned."""
    if image.mode in ("I", "F"):
        raise ValueError(f"pixels of Pillow mode {image.mode} have no fixed range")
    if image.mode.startswith("I;16"):
        shades = np.asarray(image).astype(np.uint16)
        return np.repeat(shades[..., np.newaxis], 3, axis=-1)
    return np.asarray(image.convert("RGB"))


def orientation(image: Image.Image) -> int:
    """How the pixels are turned."""
    found = image.getexif().get(ExifTags.Base.Orientation, 1)
    return found if found in range(1, 9) else 1


class Picture(NamedTuple):
    """What a file holds.

    Attributes:
        pixels: `(height, width, 3)` as stored, unturned (but Pillow turns TIFF files): uint8, or
            float32 in [0, 1] where the file has 16 bits.
        alpha: `(height, width)`, uint8, or `None`.
        grey: Whether the three channels are one.
        orientation: How the pixels are turned, 1 to 8 as in EXIF; 1 is upright.
        saving: Options of Pillow's `save`: format, EXIF (with the orientation), colour profile.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    grey: bool
    orientation: int
    saving: dict[str, Any]


def read(path: pathlib.Path) -> Picture:
    """Reads a picture file.

    Raises:
        ValueError: If it cannot be read, or is an animation or has pixels without a fixed range.
    """
    return opened(path, lambda image: _taken_apart(image, path))


def _taken_apart(image: Image.Image, path: pathlib.Path) -> Picture:
    frames = getattr(image, "n_frames", 1)
    # Phones write a preview as second frame of a JPEG, which is then called MPO.
    if frames > 1 and image.format != "MPO":
        raise ValueError(f"{frames} frames; one is expected")
    rest = (image.mode in GREY, orientation(image), _saving(image, path))
    pixels = rgb(image)
    if pixels.dtype != np.uint8:
        return Picture(pixels.astype("float32") / 65535.0, None, *rest)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        return Picture(rgba[..., :3], rgba[..., 3], *rest)
    return Picture(pixels, None, *rest)


def _saving(image: Image.Image, path: pathlib.Path) -> dict[str, Any]:
    kind = "JPEG" if image.format == "MPO" else str(image.format)
    saving: dict[str, Any] = {"format": kind, **LOSSY.get(kind, {})}
    if kind == "WEBP" and _lossless(path.read_bytes()):
        saving = {"format": kind, "lossless": True}
    if image.info.get("icc_profile") and image.mode not in RECOLOURED:
        saving["icc_profile"] = image.info["icc_profile"]
    if kind in ("JPEG", "PNG") and "dpi" in image.info:
        saving["dpi"] = image.info["dpi"]
    exif = _kept_exif(image, kind)
    return {**saving, "exif": exif.tobytes()} if len(exif) else saving


def _kept_exif(image: Image.Image, kind: str) -> Image.Exif:
    found, kept = image.getexif(), Image.Exif()
    for tag in KEPT_TAGS:
        if tag in found:
            kept[tag] = found[tag]
    # Pillow cannot write these directories into TIFF files.
    for directory in () if kind == "TIFF" else (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if found.get_ifd(directory):
            kept[directory] = dict(found.get_ifd(directory))
    return kept


def _lossless(webp: bytes) -> bool:
    """Whether a WebP file's image chunk is the lossless one, which Pillow does not tell."""
    place = 12
    while place + 8 <= len(webp):
        kind, length = (
            webp[place : place + 4],
            int.from_bytes(webp[place + 4 : place + 8], "little"),
        )
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        place += 8 + length + length % 2
    return False


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
    part = path.with_name(".part")  # short: the name itself may be as long as names can be
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(part, **options)
        part.replace(path)
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        with contextlib.suppress(OSError):
            part.unlink()
        raise ValueError(f"{path}: cannot be written ({error}).") from error
