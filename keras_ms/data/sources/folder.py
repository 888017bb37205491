"""Images of a folder, found recursively."""

from __future__ import annotations

import functools
import math
import os
import pathlib
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_ms.data.progress import track
from keras_ms.data.skipped import first_level_outside
from keras_ms.data.sources.image_files import found, image_files, passed_over
from keras_ms.data.sources.kinds import Kind, common_kind, converted
from keras_ms.data.sources.picture_file import stored_pixels, unreadable
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.data.sources.source import Directory, Source
from keras_ms.data.sources.splitting import check_split, of_split
from keras_ms.data.sources.stored import MAX_MEGAPIXELS
from keras_ms.validation import none_or_positive

NAMES = {"folder": "SOURCE"}


def read_image(
    path: str | pathlib.Path, bands: int | None = None, max_megapixels: float = MAX_MEGAPIXELS
) -> np.ndarray:
    """Reads an image file, turned upright as its EXIF orientation says.

    Images of 8 bits become RGB, unless `bands` says otherwise. Those of more bits, and those of
    other numbers of bands, keep both. Alpha is left out: pixels of no opacity get the colour of
    the nearest one that can be seen.

    Args:
        path: The file: any that Pillow reads without loss, and TIFF, PNG, PGM and PPM files of
            16 bits or, TIFF, of floats.
        bands: Bands to return; 1 for the shades of grey images as they are. Defaults to 3 for
            images of 8 bits in grey or colour, else to those of the file.
        max_megapixels: Larger images are refused.

    Returns:
        Array `(height, width, bands)`: uint8, uint16, or float32 or float64 with the values of
        the file.

    Raises:
        ValueError: If the file cannot be read as an image without loss, or has other bands.

    Example:
        >>> keras_ms.data.read_image("scan.tif").dtype  # doctest: +SKIP
        dtype("uint16")
    """
    pixels = stored_pixels(path, max_megapixels)
    if bands is None:
        bands = 3 if pixels.dtype == np.uint8 and pixels.shape[-1] == 1 else pixels.shape[-1]
    try:
        return converted(pixels, Kind(bands, pixels.dtype))
    except ValueError as error:
        raise unreadable(path, error) from error


class FolderImages:
    """The images under a directory, read one after another whenever they are asked for.

    For folders that do not fit into memory: `MultiscaleDataset` takes each image once. Linked
    folders are followed. Files that cannot be read are skipped with a warning that counts and names
    them, and so are files that are not named like pictures.

    All images have one number of bands and one type: those of most files. Images of 8 bits become
    RGB; a folder of 16-bit grey scans has one band of 16 bits. What can be converted without loss
    is (grey to RGB, 8 bits to 16); what cannot is skipped as if it were unreadable.

    Args:
        directory: Where to look, recursively.
        split: `"train"` or `"validation"`; `None` (default) for all. Whole images are held out.
        validation_every: Every this many-th file, in sorted order, is for validation.
        limit: Greatest number of images. Defaults to all.
        bands: Number of bands, 1 to 32. Defaults to that of most files.
        value_range: The values of black and white, `(low, high)`, for floating pixels that are
            not in [0, 1], or for those that use a part of their bits; images are then float32 in
            [0, 1]. Defaults to the whole range of bytes and of 16 bits, to [0, 1] of floats.
        max_megapixels: Larger images are skipped. Defaults to 1000.

    Yields:
        Arrays `(height, width, bands)`, uint8, uint16 or float32.

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
        bands: int | None = None,
        value_range: tuple[float, float] | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
    ) -> None:
        check_split(split, validation_every)
        none_or_positive(limit=limit, bands=bands)
        self._range = checked_value_range(value_range)
        under = found(directory)
        if under.passed_over:
            text = f"In {str(directory)!r} {passed_over(under.passed_over)}"
            warnings.warn(text, stacklevel=first_level_outside())
        self.passed_over = under.passed_over
        self.files = of_split(under.pictures, split, validation_every)
        self._pictures, self._bands = under.pictures, bands
        self._named = f"split={split!r}. Received: {str(directory)!r}"
        self._limit, self._max_megapixels = limit, max_megapixels

    def __len__(self) -> int:
        """Number of files, readable or not, at most `limit`."""
        return min(len(self.files), self._limit or len(self.files))

    @property
    def kind(self) -> Kind:
        """Number of bands and type of every image."""
        found = self._common_kind or Kind(3, np.dtype(np.uint8))
        return found if self._range is None else found._replace(dtype=np.dtype(np.float32))

    @functools.cached_property
    def _common_kind(self) -> Kind | None:
        # Of all files, so that both splits are of one kind.
        return common_kind(self._pictures, self._bands)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Reads the images."""
        for _, image in self.named():
            yield image

    def named(self) -> Iterator[tuple[str, np.ndarray]]:
        """Reads the images, with the names of their files.

        Yields:
            Name and image, `(height, width, bands)`.

        Raises:
            ValueError: At the end, if no image could be read.
        """
        bad: list[str] = []
        count = 0
        read = read_ahead(self.files, self._read)
        for path, image in track(read, "Reading images", total=len(self.files)):
            if isinstance(image, ValueError):
                bad.append(f"{path} ({getattr(image, 'reason', image)})")
                continue
            count += 1
            yield str(path), image
            if count == self._limit:
                break
        named = ", ".join(bad[:5]) + (", ..." if len(bad) > 5 else "")
        if bad:
            text = f"Skipped {len(bad)} unreadable image files: {named}"
            warnings.warn(text, stacklevel=first_level_outside())
        if not count:
            raise ValueError(
                f"No readable image is left for {self._named} with {len(bad)} unreadable files"
                f"{': ' if bad else ''}{named}. Two or more images are needed to hold one out."
            )

    def _read(self, path: pathlib.Path) -> np.ndarray:
        pixels = stored_pixels(path, self._max_megapixels)
        if self._range is None and pixels.dtype.kind == "u":
            return converted(pixels, self.kind)
        low, high = self._range or (0.0, 1.0)
        least, greatest = float(pixels.min()), float(pixels.max())
        if not low <= least <= greatest <= high:
            raise ValueError(
                f"its values lie in [{least:g}, {greatest:g}], not in [{low:g}, {high:g}]; say "
                "what black and white are by `value_range` (in the apps: --value_range)"
            )
        scaled = (pixels.astype(np.float64) - low) / (high - low)
        return converted(scaled.astype(np.float32), self.kind)


def folder(
    directory: str | pathlib.Path, split: str | None = None, validation_every: int = 5
) -> list[np.ndarray]:
    """Reads all images under a directory into memory.

    Args:
        directory: As in `FolderImages`.
        split: As in `FolderImages`.
        validation_every: As in `FolderImages`.

    Returns:
        Arrays `(height, width, bands)`, of one kind; those of 8 bits are RGB.

    Raises:
        ValueError: As `FolderImages`, and if the split has no readable image.

    Example:
        >>> images = keras_ms.data.folder("pictures", split="train")  # doctest: +SKIP
    """
    return list(FolderImages(directory, split, validation_every))


def checked_value_range(
    value_range: tuple[float, float] | None,
) -> tuple[float, float] | None:
    """The values of black and white as two numbers, or `None`.

    Raises:
        ValueError: If they are not two ordered numbers.
    """
    if value_range is None:
        return None
    try:
        low, high = (float(bound) for bound in value_range)
    except (TypeError, ValueError):
        low, high = 0.0, 0.0  # not two numbers: refused below
    if not -math.inf < low < high < math.inf:
        raise ValueError(
            "`value_range` is (black, white), two ordered numbers, such as (0, 4095). "
            f"Received: value_range={value_range!r}."
        )
    return low, high


def _load(
    split: str, data_dir: Directory = None, limit: int | None = None, **options: Any
) -> FolderImages:
    if data_dir is None:
        raise ValueError("A folder of images needs its path. Received: data_dir=None.")
    return FolderImages(os.fspath(data_dir), split, limit=limit, **options)


SOURCE = Source(_load)

__all__ = ["FolderImages", "folder", "image_files", "read_image"]
