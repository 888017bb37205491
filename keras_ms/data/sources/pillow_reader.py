"""Picture files of every format that Pillow opens, however odd what accompanies the pixels."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from PIL import ExifTags, Image

from keras_ms.data.sources import jpeg_segments, png_chunks
from keras_ms.data.sources.lost_bits import check_depth
from keras_ms.data.sources.stored import MAX_MEGAPIXELS, WHITE, Header, RefusedError, Stored

Made = TypeVar("Made")
Path = str | os.PathLike[str]


def opened(
    path: Path,
    take: Callable[[Image.Image], Made],
    max_megapixels: float = MAX_MEGAPIXELS,
    load: bool = True,
) -> Made:
    """Opens and decodes a picture file.

    What Pillow stumbles over but the pixels do not depend on is left out: texts and profiles
    beyond its limits, checksums of metadata, odd EXIF.

    Args:
        path: The file.
        take: What to make of the decoded image, while its file is open.
        max_megapixels: Larger pictures are refused.
        load: Whether pixels are decoded before `take`.

    Returns:
        What `take` returned.

    Raises:
        ValueError: If the file cannot be decoded, or `take` fails.
    """
    try:
        return _taken(path, take, max_megapixels, load)
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        bare = None if isinstance(error, RefusedError) else _bare(path)
        if bare is not None:
            with contextlib.suppress(Exception):
                return _taken(io.BytesIO(bare), take, max_megapixels, load)
        raise unreadable(path, error) from error


class UnreadableError(ValueError):
    """A file that cannot be read as a picture.

    Attributes:
        path: The file.
        reason: Why, without the name of the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"Not a readable image. Received: {os.fspath(path)!r} ({reason}).")
        self.path, self.reason = os.fspath(path), reason


def said_of(error: object) -> str:
    """What was received, of an error of a file, for another message."""
    if isinstance(error, UnreadableError):
        return f"{error.path!r} ({error.reason})"
    return str(error).rstrip(".")


def unreadable(path: Path, reason: object) -> UnreadableError:
    """The error that names a file and says why it cannot be read, however the reader put it."""
    if isinstance(reason, UnreadableError):
        reason = reason.reason
    return UnreadableError(path, str(reason) or type(reason).__name__)


def _taken(file: Any, take: Callable[[Image.Image], Made], limit: float, load: bool) -> Made:
    with _without_limit(), Image.open(file) as image:
        _check_size(image, limit)
        if load:
            image.load()
        return take(image)


def _check_size(image: Image.Image, limit: float) -> None:
    width, height = image.size
    Header(height, width, 1, np.dtype(np.uint8)).check(limit)


_lock = threading.Lock()
_users = 0
_limit: Any = None


@contextlib.contextmanager
def _without_limit() -> Iterator[None]:
    """Lifts Pillow's limit of pixels, which it has once for all threads; ours takes its place."""
    global _users, _limit
    with _lock:
        if not _users:
            _limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                Image.MAX_IMAGE_PIXELS = _limit


def _bare(path: Path) -> bytes | None:
    """A PNG or JPEG file without what its pixels do not depend on; `None` of other formats."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        start = file.read(len(png_chunks.SIGNATURE))
        if start.startswith(png_chunks.SIGNATURE):
            return png_chunks.bare(path)
        if start.startswith(jpeg_segments.SIGNATURE):
            return jpeg_segments.bare(path)
    return None


def exif(path: Path) -> Image.Exif:
    """The EXIF data of a file, empty where there are none or they make no sense."""
    for read in (_exif_by_pillow, _exif_of_bytes):
        with contextlib.suppress(Exception):  # damaged ones fail in many ways
            found = read(path)
            dict(found)  # they are parsed only now
            return found
    return Image.Exif()


def _exif_by_pillow(path: Path) -> Image.Exif:
    with _without_limit(), Image.open(path) as image:
        return image.getexif()


def _exif_of_bytes(path: Path) -> Image.Exif:
    with open(path, "rb") as file:
        is_png = file.read(8) == png_chunks.SIGNATURE
    content = png_chunks.content_of(path, b"eXIf") if is_png else jpeg_segments.exif(path)
    found = Image.Exif()
    found.load(b"Exif\x00\x00" + (content or b""))
    return found


def orientation(path: Path) -> int:
    """How the pixels of a file are turned, 1 to 8 as in EXIF; 1 where that is not known."""
    return orientation_of(exif(path))


def orientation_of(found: Image.Exif) -> int:
    """How EXIF data say that pixels are turned, 1 to 8; 1 where they make no sense."""
    turned = found.get(ExifTags.Base.Orientation, 1)
    try:
        return int(turned) if turned in range(1, 9) else 1
    except (TypeError, ValueError):
        return 1


def header(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Header:
    """Size, bands and type of a picture, without decoding it.

    Raises:
        ValueError: As `opened`.
    """

    def take(image: Image.Image) -> Header:
        check_depth(image)
        return header_of(image)

    return opened(path, take, max_megapixels, load=False)


def header_of(image: Image.Image) -> Header:
    """Size, bands and type of what `apart` returns."""
    width, height = image.size
    grey = image.mode in ("1", "L", "LA", "La", "I", "F") or image.mode.startswith("I;16")
    dtype = _type(image)
    whole = image.mode == "I" and dtype.kind == "f"
    return Header(height, width, 1 if grey else 3, dtype, whole)


def decoded(path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> Stored:
    """The first picture in a file.

    Raises:
        ValueError: As `opened`, and if pixels have more bits than Pillow can give.
    """

    def take(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None, str]:
        return *apart(image), str(image.format)

    def checked(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None, str]:
        check_depth(image)
        image.load()
        return take(image)

    pixels, alpha, kind = opened(path, checked, max_megapixels, load=False)
    # Pillow turns TIFF files when it loads them.
    turned = 1 if kind == "TIFF" else orientation(path)
    return Stored(pixels, alpha, turned, "JPEG" if kind == "MPO" else kind)


def apart(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Pixels `(height, width, bands)` of an image and their opacity, if not all are opaque.

    Palettes and other colour spaces become RGB; bits become bytes.
    """
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        pixels = np.asarray(image).astype(_type(image))
        key = image.info.get("transparency")
        alpha = None
        if isinstance(key, int) and pixels.dtype == np.uint16:
            alpha = np.where(pixels == key, 0, WHITE).astype(np.uint16)
        return pixels[..., np.newaxis], alpha
    grey = image.mode in ("1", "L", "LA", "La")
    if image.mode in ("La", "RGBa", "PA") or image.has_transparency_data:
        both = np.asarray(_converted(image, "LA" if grey else "RGBA"))
        return both[..., :-1], both[..., -1]
    pixels = np.asarray(_converted(image, "L" if grey else "RGB"))
    return (pixels[..., np.newaxis] if grey else pixels), None


def _converted(image: Image.Image, mode: str) -> Image.Image:
    if image.mode == mode:
        return image
    if image.mode in ("La", "RGBa"):  # multiplied by alpha: leads to one mode only
        return image.convert(image.mode.upper()).convert(mode)
    return image.convert(mode)


def _type(image: Image.Image) -> np.dtype:
    if image.mode == "F":
        return np.dtype(np.float32)
    if image.mode.startswith("I;16"):
        return np.dtype(np.uint16)
    if image.mode == "I":  # 32 bits, but Pillow's way of 16 in these formats
        return np.dtype(np.uint16 if image.format in ("PNG", "PPM") else np.float64)
    return np.dtype(np.uint8)
