"""CelebA, through TensorFlow Datasets."""

from __future__ import annotations

import numpy as np

from keras_ms.data.sources import tfds
from keras_ms.data.sources.source import Directory, Source

NAMES = {"celeb_a": "SOURCE"}

SPLITS = {"train": "train", "validation": "validation"}


def celeb_a(
    split: str = "train",
    data_dir: Directory = None,
    limit: int | None = None,
    image_size: int | None = 128,
    manual_dir: Directory = None,
) -> list[np.ndarray]:
    """Reads CelebA's aligned faces, TFDS's splits `train` and `validation`.

    It is downloaded and prepared (1.4 GB) where TFDS finds no prepared copy. Without a network,
    or where its host refuses, put `img_align_celeba.zip`, `list_eval_partition.txt`,
    `list_attr_celeba.txt`, `list_landmarks_align_celeba.txt` and `identity_CelebA.txt`, as they
    came, into `manual_dir`. All images are held in memory: those for training are 8.0 GB at 128
    pixels, 18.9 GB unresized, and a `MultiscaleDataset` with its coarser levels takes 2.3 times as
    much again.

    Args:
        split: `"train"` (162,770 images) or `"validation"` (19,867).
        data_dir: As in `stl10`.
        limit: At most so many images, 1 or more. Defaults to all.
        image_size: Side in pixels of the square that the whole image is resized to, bilinearly.
            Defaults to 128, the paper's; `None` leaves images at 218 x 178.
        manual_dir: As in `stl10`.

    Returns:
        Arrays `(image_size, image_size, 3)`, uint8, always in the same order.

    Raises:
        ValueError: If an argument makes no sense, or the data are not prepared and cannot be.

    Example:
        >>> faces = keras_ms.data.celeb_a("validation", data_dir="prepared")  # doctest: +SKIP
    """
    return tfds.images("celeb_a", "image", SPLITS, split, data_dir, manual_dir, limit, image_size)


SOURCE = Source(celeb_a)
