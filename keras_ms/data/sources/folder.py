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
from keras_ms.data.skipped import SHOWN, first_level_outside
from keras_ms.data.slabs import slabs
from keras_ms.data.sources.decoding import AT_ONCE_BYTES, check_room, decoded_bytes
from keras_ms.data.sources.image_files import found, image_files, passed_over
from keras_ms.data.sources.kinds import Kind, common_kind, converted
from keras_ms.data.sources.picture_file import stored_pixels, unreadable
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.data.sources.scanning import Scan, heads_of, scan
from keras_ms.data.sources.source import Directory, Source
from keras_ms.data.sources.splitting import check_split, of_split
from keras_ms.data.sources.stored import MAX_MEGAPIXELS, ends
from keras_ms.validation import none_or_positive, path_of, shown

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
    none_or_positive(bands=bands)
    pixels = stored_pixels(path_of(path, "path"), max_megapixels)
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
    them (a `MultiscaleDataset` counts them against its `max_bad_fraction`), and so are files that
    are not named like pictures, and folders that cannot be looked into. Each picture is decoded
    once, large ones one at a time; one that does not fit in memory counts as unreadable.

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
        self._place = f"split={shown(split)}. Received: {str(directory)!r}"
        self._limit, self._max_megapixels = limit, max_megapixels
        self._scan: Scan | None = None

    def __len__(self) -> int:
        """Number of files, at most `limit`; once there was a `scan`, of those that are of use."""
        usable = len(self.files) if self._scan is None else len(self._scan.usable)
        return min(usable, self._limit or usable)

    def scan(self, least_side: int | None = None) -> Scan:
        """Looks at the heads of all files, which takes far less time than to decode them.

        Files that cannot be read are not tried again.

        Args:
            least_side: Pictures with a shorter side count as small, in pixels. Defaults to none.

        Returns:
            What was seen: counts, names and reasons.
        """
        heads = heads_of(self.files, self._max_megapixels)
        names = [str(path) for path in self.files]
        self._scan = scan(names, [[head] for head in heads], least_side)
        return self._scan

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
        """Reads the images; warns of files that cannot be read."""
        bad: list[str] = []
        count = 0
        for name, image in self.named():
            if isinstance(image, ValueError):
                bad.append(f"{name} ({getattr(image, 'reason', image)})")
                continue
            count += 1
            yield image
        named = ", ".join(bad[:SHOWN]) + (", ..." if len(bad) > SHOWN else "")
        if bad:
            text = f"Skipped {len(bad)} unreadable image files: {named}"
            warnings.warn(text, stacklevel=first_level_outside())
        if not count:
            raise ValueError(self._nothing(bad, named))

    def named(self) -> Iterator[tuple[str, Any]]:
        """Reads the images, with the names of their files.

        Yields:
            Name and image, `(height, width, bands)`; in the place of one that cannot be read the
            `ValueError` that says why.

        Raises:
            ValueError: If there are no files.
        """
        if not self.files:
            raise ValueError(self._nothing([], ""))
        count = 0
        read = read_ahead(self.files, self._read, decoded_bytes, AT_ONCE_BYTES)
        for path, image in track(read, "Reading images", total=len(self.files)):
            yield str(path), image
            count += not isinstance(image, ValueError)
            if count == self._limit:
                break

    def _nothing(self, bad: list[str], named: str) -> str:
        return (
            f"No readable image is left for {self._place} with {len(bad)} unreadable files"
            f"{': ' if bad else ''}{named}. Two or more images are needed to hold one out."
        )

    def _read(self, path: pathlib.Path) -> np.ndarray:
        if self._scan is not None and (why := self._scan.unreadable.get(str(path))):
            raise unreadable(path, why)
        check_room(path, self._max_megapixels)
        pixels = stored_pixels(path, self._max_megapixels)
        if self._range is None and pixels.dtype.kind == "u":
            return converted(pixels, self.kind)
        low, high = self._range or (0.0, 1.0)
        least, greatest = ends(pixels)
        if not low <= least <= greatest <= high:
            raise ValueError(
                f"its values lie in [{least:g}, {greatest:g}], not in [{low:g}, {high:g}]; say "
                "what black and white are by `value_range` (in the apps: --value_range)"
            )
        scaled = np.empty(pixels.shape, np.float32)
        for part, values in zip(slabs(scaled, 1), slabs(pixels, 1), strict=True):
            part[:] = (values.astype(np.float64) - low) / (high - low)
        return converted(scaled, self.kind)


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
            f"Received: value_range={shown(value_range)}."
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
