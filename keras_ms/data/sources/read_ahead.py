"""Files are read while others are in use, one a core at the same time."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterator
from concurrent import futures

import numpy as np

from keras_ms.data.sources.pillow_reader import UnreadableError


def read_ahead(
    files: list[pathlib.Path], read: Callable[[pathlib.Path], np.ndarray]
) -> Iterator[tuple[pathlib.Path, np.ndarray | str]]:
    """Files and their images, or why there is none; one a core is read at the same time."""

    def image_or_reason(path: pathlib.Path) -> np.ndarray | str:
        try:
            return read(path)
        except UnreadableError as error:
            return error.reason
        except ValueError as error:
            return str(error)

    at_once = os.cpu_count() or 1
    with futures.ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(files), at_once):
            some = files[start : start + at_once]
            yield from zip(some, pool.map(image_or_reason, some), strict=True)
