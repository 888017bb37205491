"""Images of a folder, found recursively."""

from __future__ import annotations

import pathlib
import warnings
from concurrent import futures

import numpy as np
from PIL import Image, ImageOps
from rich.progress import track

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
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.mode in ("I", "F"):
                raise ValueError(f"pixels of Pillow mode {upright.mode} have no fixed range")
            if upright.mode.startswith("I;16"):  # Pillow would clip it to its lowest 256 shades
                upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
            return np.asarray(upright.convert("RGB"))
    except Exception as error:  # each of Pillow's formats fails in a way of its own
        raise ValueError(f"Not a readable image. Received: {str(path)!r} ({error}).") from error


def folder(
    directory: str | pathlib.Path, split: str | None = None, validation_every: int = 5
) -> list[np.ndarray]:
    """Reads all images under a directory, recursively.

    Unreadable files are skipped with a warning that counts and names them.

    Args:
        directory: Where to look.
        split: `"train"` or `"validation"`; `None` (default) for all. Whole images are held out.
        validation_every: Every this many-th file, in sorted order, is for validation.

    Returns:
        Arrays `(height, width, 3)`, uint8.

    Raises:
        ValueError: If the folder is missing or has no readable image in the split, or `split` or
            `validation_every` makes no sense.

    Example:
        >>> images = keras_ms.data.folder("pictures", split="train")  # doctest: +SKIP
    """
    if split not in (None, "train", "validation") or validation_every < 2:
        raise ValueError(
            "`split` is 'train', 'validation' or None, and `validation_every` at least 2. "
            f"Received: split={split!r}, validation_every={validation_every}."
        )
    files = _of_split(image_files(directory), split, validation_every)
    images, bad = _read_all(files)
    if bad:
        named = ", ".join(bad[:5]) + (", ..." if len(bad) > 5 else "")
        warnings.warn(f"Skipped {len(bad)} unreadable image files: {named}", stacklevel=2)
    if not images:
        raise ValueError(
            f"No readable image is left for split={split!r}. Received: {str(directory)!r} with "
            f"{len(bad)} unreadable files. Two or more images are needed to hold one out."
        )
    return images


def _read_all(files: list[pathlib.Path]) -> tuple[list[np.ndarray], list[str]]:
    def read(path: pathlib.Path) -> np.ndarray | None:
        try:
            return read_image(path)
        except ValueError:
            return None

    with futures.ThreadPoolExecutor() as pool:
        read_in_order = pool.map(read, files)
        results = list(track(read_in_order, "Reading images", total=len(files), transient=True))
    images = [image for image in results if image is not None]
    bad = [str(path) for path, image in zip(files, results, strict=True) if image is None]
    return images, bad


def _of_split(files: list[pathlib.Path], split: str | None, every: int) -> list[pathlib.Path]:
    if split is None:
        return files
    # The last of each run is held out, and of a short folder its last file.
    every = min(every, len(files))
    held_out = set(files[every - 1 :: every])
    return [path for path in files if (path in held_out) == (split == "validation")]
