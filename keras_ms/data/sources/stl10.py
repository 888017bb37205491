"""STL-10, through TensorFlow Datasets."""

from __future__ import annotations

import numpy as np

from keras_ms.data.sources import tfds
from keras_ms.data.sources.source import Directory, Source

NAMES = {"stl10": "SOURCE"}

SPLITS = {"train": "train+unlabelled", "validation": "test"}


def stl10(
    split: str = "train",
    data_dir: Directory = None,
    limit: int | None = None,
    image_size: int | None = 128,
    manual_dir: Directory = None,
    interpolation: str = "bilinear",
) -> list[np.ndarray]:
    """Reads STL10: `"train"` is TFDS's `train` and `unlabelled`, `"validation"` its `test`.

    It is downloaded and prepared (2.6 GB) where TFDS finds no prepared copy. Without a network
    put `stl10_binary.tar.gz`, as it came, into `manual_dir`. All images are held in memory:
    105,000 for training are 5.2 GB at 128 pixels, 2.9 GB at 96, and a `MultiscaleDataset` with its
    coarser levels takes 2.3 times as much again.

    Args:
        split: `"train"` (105,000 images) or `"validation"` (8,000).
        data_dir: Where TFDS keeps prepared data, as in `tfds.load`. Defaults to
            `~/tensorflow_datasets`.
        limit: At most so many images, 1 or more. Defaults to all.
        image_size: Side in pixels that images are resized to. Defaults to 128, the paper's; `None`
            leaves them at 96.
        manual_dir: Where files as they came are looked for. Defaults to
            `data_dir/downloads/manual`.
        interpolation: `"bilinear"` (default) or `"nearest"`, as the paper's authors enlarge for
            deblurring.

    Returns:
        Arrays `(image_size, image_size, 3)`, uint8, always in the same order.

    Raises:
        ValueError: If an argument makes no sense, or the data are not prepared and cannot be.

    Example:
        >>> images = keras_ms.data.stl10("train", limit=10_000)  # doctest: +SKIP
    """
    asked = (split, data_dir, manual_dir, limit, image_size, interpolation)
    return tfds.images("stl10", "image", SPLITS, *asked)


SOURCE = Source(stl10, (0.4467, 0.4398, 0.4066), (0.2240, 0.2215, 0.2239))
