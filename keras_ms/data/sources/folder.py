"""Images of a folder, found recursively."""

from __future__ import annotations

import os
import pathlib
import sys
import warnings
from collections.abc import Iterator
from concurrent import futures

import numpy as np
from PIL import Image
from rich.progress import track

from keras_ms.data.sources.picture_file import opened, orientation, rgb, upright
from keras_ms.data.sources.source import Directory, Source
from keras_ms.data.sources.splitting import check_split, of_split
from keras_ms.validation import none_or_positive

NAMES = {"folder": "SOURCE"}

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def image_files(directory: str | pathlib.Path) -> list[pathlib.Path]:
    """Finds the image files under a directory, recursively, in a fixed order.

    Args:
        directory: Where to look. Hidden files and folders are passed over.

    Returns:
        Paths of the files with an image suffix, sorted.

    Raises:
        ValueError: If the directory does not exist or holds no image file.
    """
    root = pathlib.Path(directory).expanduser()
    if not root.is_dir():
        raise ValueError(f"There is no such folder. Received: {str(directory)!r}.")
    files = sorted(
        path
        for path in root.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )
    if not files:
        raise ValueError(
            f"There is no image in the folder. Received: {str(directory)!r}, searched recursively "
            f"for {', '.join(SUFFIXES)}."
        )
    return files


def read_image(path: str | pathlib.Path) -> np.ndarray:
    """Reads an image file as RGB, turned upright as its EXIF orientation says.

    Grey images of 16 bits keep their shades; 32-bit and floating ones are refused.

    Returns:
        Array `(height, width, 3)`, uint8.

    Raises:
        ValueError: If the file cannot be read as an image.
    """
    return opened(path, _upright_in_8_bits)


def _upright_in_8_bits(image: Image.Image) -> np.ndarray:
    pixels = rgb(image)
    if pixels.dtype != np.uint8:
        pixels = (pixels // 257).astype(np.uint8)
    return np.ascontiguousarray(upright(pixels, orientation(image)))


class FolderImages:
    """The images under a directory, read one after another whenever they are asked for.

    For folders that do not fit into memory: `MultiscaleDataset` takes each image once. Unreadable
    files are skipped with a warning that counts and names them.

    Args:
        directory: Where to look, recursively.
        split: `"train"` or `"validation"`; `None` (default) for all. Whole images are held out.
        validation_every: Every this many-th file, in sorted order, is for validation.
        limit: Greatest number of images. Defaults to all.

    Yields:
        Arrays `(height, width, 3)`, uint8.

    Raises:
        ValueError: If the folder is missing, or an option makes no sense; when read, if the split
            has no readable image.

    Example:
        >>> images = keras_ms.data.FolderImages("pictures", split="train")  # doctest: +SKIP
        >>> keras_ms.MultiscaleDataset(images, task, (4, 8, 16), 1024)  # doctest: +SKIP
    """

    def __init__(
        self,
        directory: str | pathlib.Path,
        split: str | None = None,
        validation_every: int = 5,
        limit: int | None = None,
    ) -> None:
        check_split(split, validation_every)
        none_or_positive(limit=limit)
        self.files = of_split(image_files(directory), split, validation_every)
        self._named = f"split={split!r}. Received: {str(directory)!r}"
        self._limit = limit

    def __len__(self) -> int:
        """Number of files, readable or not, at most `limit`."""
        return min(len(self.files), self._limit or len(self.files))

    def __iter__(self) -> Iterator[np.ndarray]:
        """Reads the images."""
        bad: list[str] = []
        count = 0
        read = _read_ahead(self.files)
        for path, image in track(read, "Reading images", total=len(self.files), transient=True):
            if image is None:
                bad.append(str(path))
                continue
            count += 1
            yield image
            if count == self._limit:
                break
        if bad:
            named = ", ".join(bad[:5]) + (", ..." if len(bad) > 5 else "")
            text = f"Skipped {len(bad)} unreadable image files: {named}"
            warnings.warn(text, stacklevel=_first_level_outside())
        if not count:
            raise ValueError(
                f"No readable image is left for {self._named} with {len(bad)} unreadable files. "
                "Two or more images are needed to hold one out."
            )


def folder(
    directory: str | pathlib.Path, split: str | None = None, validation_every: int = 5
) -> list[np.ndarray]:
    """Reads all images under a directory into memory; options are those of `FolderImages`.

    Returns:
        Arrays `(height, width, 3)`, uint8.

    Raises:
        ValueError: As `FolderImages`, and if the split has no readable image.

    Example:
        >>> images = keras_ms.data.folder("pictures", split="train")  # doctest: +SKIP
    """
    return list(FolderImages(directory, split, validation_every))


def _read_ahead(files: list[pathlib.Path]) -> Iterator[tuple[pathlib.Path, np.ndarray | None]]:
    """Files and their images, `None` if unreadable; one a core is read at the same time."""

    def read(path: pathlib.Path) -> np.ndarray | None:
        try:
            return read_image(path)
        except ValueError:
            return None

    at_once = os.cpu_count() or 1
    with futures.ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(files), at_once):
            some = files[start : start + at_once]
            yield from zip(some, pool.map(read, some), strict=True)


def _first_level_outside() -> int:
    """The `stacklevel` of the caller's caller that is not of this package."""
    frame, level = sys._getframe(1), 1
    while frame.f_back and frame.f_globals["__name__"].startswith("keras_ms."):
        frame, level = frame.f_back, level + 1
    return level


def _load(split: str, data_dir: Directory = None, limit: int | None = None) -> FolderImages:
    if data_dir is None:
        raise ValueError("A folder of images needs its path. Received: data_dir=None.")
    return FolderImages(os.fspath(data_dir), split, limit=limit)


SOURCE = Source(_load)
