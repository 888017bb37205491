"""Data sets by name: how each is loaded and normalised."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from keras_ms.data.sources.folder import FolderImages
from keras_ms.data.sources.photos import photos
from keras_ms.data.sources.tfds import celeb_a, stl10
from keras_ms.data.sources.urban100 import urban100
from keras_ms.validation import known, none_or_positive

_Directory = str | os.PathLike[str] | None


class Source(NamedTuple):
    """What a data set is.

    Attributes:
        load: `load(split, data_dir, limit)` returns the images of `"train"` or `"validation"` as
            `MultiscaleDataset` takes them. `data_dir` is the folder of `folder` and TFDS's
            directory of the others, where `None` is its default; `photos` has none. `limit` is
            the greatest number of images, `None` for all. Those of a folder are read whenever
            they are asked for; all others are in memory.
        mean: Mean of the images in [0, 1], one for all channels or one per channel.
        std: Their standard deviation, likewise.
    """

    load: Callable[[str, _Directory, int | None], list[np.ndarray] | FolderImages]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def _photos(split: str, data_dir: _Directory = None, limit: int | None = None) -> list[np.ndarray]:
    none_or_positive(limit=limit)
    if data_dir is not None:
        raise ValueError(f"The photos lie in no folder. Received: data_dir={str(data_dir)!r}.")
    return photos(split)[:limit]


def _folder(split: str, data_dir: _Directory = None, limit: int | None = None) -> FolderImages:
    if data_dir is None:
        raise ValueError("A folder of images needs its path. Received: data_dir=None.")
    return FolderImages(os.fspath(data_dir), split, limit=limit)


_SOURCES = {
    "celeb_a": Source(celeb_a, (0.5,), (0.5,)),
    "folder": Source(_folder, (0.5,), (0.5,)),
    "photos": Source(_photos, (0.5,), (0.5,)),
    "stl10": Source(stl10, (0.4467, 0.4398, 0.4066), (0.2240, 0.2215, 0.2239)),
    "urban100": Source(urban100, (0.5,), (0.5,)),
}


def get(name: str) -> Source:
    """Returns a data set by name.

    Args:
        name: One of `names()`, for example `"photos"`.

    Returns:
        A `Source`.

    Raises:
        ValueError: If there is no data set of that name.

    Example:
        >>> source = keras_ms.data.sources.get("photos")
        >>> len(source.load("train", None, 3)), source.mean
        (3, (0.5,))
    """
    return _SOURCES[known(name, _SOURCES, "dataset", "data set")]


def names() -> tuple[str, ...]:
    """Names that `get` knows."""
    return tuple(sorted(_SOURCES))
