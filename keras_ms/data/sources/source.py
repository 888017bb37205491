"""What a data set is."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

Directory = str | os.PathLike[str] | None


class Source(NamedTuple):
    """What a data set is.

    Attributes:
        load: `load(split, data_dir, limit)` returns the images of `"train"` or `"validation"` as
            `MultiscaleDataset` takes them. `data_dir` is the folder of `folder` and TFDS's
            directory of the others, where `None` is its default; `photos` has none. `limit` is
            the greatest number of images, `None` for all. Those of a folder are read whenever
            they are asked for; all others are in memory.
        mean: Mean of the images in [0, 1], one for all channels or one per channel. Defaults to
            `(0.5,)`.
        std: Their standard deviation, likewise.

    Example:
        >>> import numpy as np
        >>> def grey(split, data_dir=None, limit=None):
        ...     return np.full((limit or 4, 64, 64, 3), 128, "uint8")
        >>> len(keras_ms.data.Source(grey).load("train", None, 2))
        2
    """

    load: Callable[[str, Directory, int | None], Any]
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
