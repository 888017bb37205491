"""Which files of a folder are pictures: found recursively, through links, in a fixed order."""

from __future__ import annotations

import functools
import os
import pathlib
from typing import NamedTuple

from PIL import Image, ImageFile

from keras_ms.validation import path_of

# Pillow knows their names, but they are documents and films, drawn by other programs.
NO_PICTURES = ("EPS", "MPEG", "PDF")
OPENED_BY = {"MPO": "JPEG"}
"""Formats that Pillow knows by name, but has another one open."""
SHOWN = 5


class Found(NamedTuple):
    """What lies under a folder.

    Attributes:
        pictures: Files whose suffix some reader knows, sorted.
        passed_over: All others but hidden ones, sorted: other suffixes, links to nothing, folders
            that cannot be looked into.
    """

    pictures: list[pathlib.Path]
    passed_over: list[pathlib.Path]


@functools.cache
def suffixes() -> frozenset[str]:
    """Suffixes of the files that Pillow or tifffile can read, with their dots, in small letters."""
    import tifffile  # imported late: it would slow down `import keras_ms`

    Image.init()
    known = {
        suffix
        for suffix, kind in Image.registered_extensions().items()
        if _is_opened(OPENED_BY.get(kind, kind))
    }
    return frozenset(known | {f".{name.rsplit('.')[-1]}" for name in tifffile.TIFF.FILE_EXTENSIONS})


def _is_opened(kind: str) -> bool:
    """Whether Pillow reads pictures of a format; of some it knows the name alone."""
    if kind not in Image.OPEN or kind in NO_PICTURES:
        return False
    factory = Image.OPEN[kind][0]
    return not (isinstance(factory, type) and issubclass(factory, ImageFile.StubImageFile))


def is_picture(path: str | os.PathLike[str]) -> bool:
    """Whether a file has the suffix of a picture."""
    return os.path.splitext(path)[1].lower() in suffixes()


def found(directory: str | os.PathLike[str]) -> Found:
    """Looks through a folder, recursively.

    Linked folders are followed; each folder is looked through once, by its own name where it lies
    under `directory` itself, so links that lead in circles come to an end.

    Args:
        directory: Where to look. Hidden files and folders are left out.

    Raises:
        ValueError: If the directory does not exist or holds no picture.
    """
    root = path_of(directory, "directory").expanduser()
    if root.is_file():
        raise ValueError(
            f"A folder is needed, and there is a file. Received: {str(directory)!r}. Use "
            f"{str(root.parent)!r} for all pictures beside it, or "
            "[keras_ms.data.read_image(path)] for a single one."
        )
    if not root.is_dir():
        raise ValueError(f"There is no such folder. Received: {str(directory)!r}.")
    pictures: list[pathlib.Path] = []
    others: list[pathlib.Path] = []
    seen: set[str] = set()
    waiting = [root]
    while waiting:  # linked folders are looked through after all that are no links
        waiting += _look_through(waiting.pop(0), seen, pictures, others)
    if not pictures:
        raise ValueError(
            f"There is no image in the folder. Received: {str(directory)!r}, searched recursively; "
            f"{passed_over(others)}. Expected: files with the suffixes that Pillow or tifffile "
            "read, such as .png, .jpg or .tif."
        )
    return Found(sorted(pictures), sorted(others))


def _look_through(
    top: pathlib.Path, seen: set[str], pictures: list[pathlib.Path], others: list[pathlib.Path]
) -> list[pathlib.Path]:
    """Adds the files under one folder; returns the linked folders under it."""
    linked: list[pathlib.Path] = []

    def failed(error: OSError) -> None:
        others.append(pathlib.Path(error.filename))

    for folder, below, names in os.walk(top, onerror=failed):
        real = os.path.realpath(folder)
        if real in seen:
            below.clear()
            continue
        seen.add(real)
        here = pathlib.Path(folder)
        shown = sorted(name for name in below if not name.startswith("."))
        linked += [here / name for name in shown if os.path.islink(here / name)]
        below[:] = [name for name in shown if not os.path.islink(here / name)]
        for path in (here / name for name in names if not name.startswith(".")):
            (pictures if is_picture(path) and os.path.isfile(path) else others).append(path)
    return linked


def image_files(directory: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Finds the picture files under a directory, recursively, in a fixed order.

    Args:
        directory: Where to look. Hidden files and folders are left out, linked folders followed.

    Returns:
        Paths of the files with a suffix that Pillow or tifffile knows, sorted.

    Raises:
        ValueError: If the directory does not exist or holds no picture.

    Example:
        >>> keras_ms.data.image_files("pictures")  # doctest: +SKIP
        [PosixPath("pictures/a.jpg"), PosixPath("pictures/b.tif")]
    """
    return found(directory).pictures


def passed_over(others: list[pathlib.Path]) -> str:
    """What to say of files that were passed over, and of folders that cannot be looked into."""
    if not others:
        return "no files were passed over"
    locked = [path for path in others if os.path.isdir(path)]
    links = [path for path in others if os.path.islink(path) and not os.path.exists(path)]
    special = [path for path in others if is_picture(path) and not os.path.isfile(path)]
    special = [path for path in special if path not in {*locked, *links}]
    files = [path for path in others if path not in {*locked, *links, *special}]
    return "; ".join(
        [
            *_said(locked, "{} folder{s} cannot be looked into, for want of permission"),
            *_said(links, "{} link{s} to nothing"),
            *_said(special, "{} device{s} or pipe{s} named like a picture"),
            *_said(files, "{} file{s} {was} passed over, not named like a picture"),
        ]
    )


def _said(paths: list[pathlib.Path], text: str) -> list[str]:
    """What to say of paths, if there are any."""
    several = len(paths) > 1
    words = {"s": "s" * several, "was": "were" if several else "was"}
    count = str(len(paths)) if several else "one"
    return [f"{text.format(count, **words)}: {_listed(paths)}"] if paths else []


def _listed(paths: list[pathlib.Path]) -> str:
    return ", ".join(map(_shown, paths[:SHOWN])) + (", ..." if len(paths) > SHOWN else "")


def _shown(path: pathlib.Path) -> str:
    text = str(path)
    return text if text.isprintable() else repr(text)  # names may hold what terminals obey
