"""The sheet that `apps.restore` leaves among the pictures: never in place of one of them."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
from collections.abc import Sequence

import numpy as np

from keras_ms import safe_files
from keras_ms.data.sources import png_chunks

from . import plots

# A PNG chunk by which a sheet of a former run is known. Its name says that it is private, and
# that programs which change a picture leave it out: then it is the user's.
MARK = (b"ksMS", b"comparison sheet")


def write(rows: Sequence[dict[str, np.ndarray]], output: pathlib.Path) -> pathlib.Path:
    """Draws rows that `sheets.sheet_row` made; replaces a sheet of a former run, and no other file.

    Returns:
        Where the sheet is.

    Raises:
        OSError: Naming it, if it cannot be written.
    """
    path = output / "comparison_sheet.png"
    try:
        with safe_files.workplace(output) as place:
            drawn, whole = place / "drawn.png", place / "whole.png"
            plots.draw_sheet(rows, drawn)
            png_chunks.insert(drawn, [MARK], whole)
            return _put(whole, path)
    except OSError as error:
        raise safe_files.naming(error, path) from error


def _put(whole: pathlib.Path, wanted: pathlib.Path) -> pathlib.Path:
    for number in itertools.count(2):
        path = wanted if number == 2 else wanted.with_stem(f"{wanted.stem}_{number - 1}")
        if _is_sheet(path):
            safe_files.put(whole, path)
            return path
        if _put_if_free(whole, path):
            return path
    raise AssertionError("there is an end to files, but not to numbers")


def _put_if_free(whole: pathlib.Path, path: pathlib.Path) -> bool:
    try:
        os.link(whole, path)  # which replaces nothing, whoever else writes
    except FileExistsError:
        return False
    except OSError:  # a file system that knows no links
        if os.path.lexists(path):
            return False
        safe_files.put(whole, path)
    return True


def _is_sheet(path: pathlib.Path) -> bool:
    name, content = MARK
    with contextlib.suppress(OSError, ValueError):  # there is none, or it is no PNG file
        if not path.is_symlink() and path.is_file() and png_chunks.header(path):
            return png_chunks.content_of(path, name) == content
    return False
