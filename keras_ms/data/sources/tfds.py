"""Images of stl10 and celeb_a, through TensorFlow Datasets."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tensorflow as tf
from rich.progress import track

from keras_ms.validation import known, none_or_positive

_SPLITS = {
    "stl10": {"train": "train+unlabelled", "validation": "test"},
    "celeb_a": {"train": "train", "validation": "validation"},
    "urban100": {"train": "train", "validation": "validation"},
}


def stl10(
    split: str = "train",
    data_dir: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    image_size: int | None = 128,
    manual_dir: str | os.PathLike[str] | None = None,
) -> list[np.ndarray]:
    """Reads STL10: `"train"` is TFDS's `train` and `unlabelled`, `"validation"` its `test`.

    It is downloaded and prepared (2.6 GB) where TFDS finds no prepared copy. Without a network
    put `stl10_binary.tar.gz`, as it came, into `manual_dir`. (TFDS tries a missing network for
    some minutes.) All images are held in memory: 105,000 for training are 5.2 GB at 128 pixels,
    2.9 GB at 96, and a `MultiscaleDataset` with its coarser levels takes 2.3 times as much again.

    Args:
        split: `"train"` (105,000 images) or `"validation"` (8,000).
        data_dir: Where TFDS keeps prepared data, as in `tfds.load`. Defaults to
            `~/tensorflow_datasets`.
        limit: At most so many images, 1 or more. Defaults to all.
        image_size: Side in pixels that images are resized to, bilinearly. Defaults to 128, the
            paper's; `None` leaves them at 96.
        manual_dir: Where files as they came are looked for. Defaults to
            `data_dir/downloads/manual`.

    Returns:
        Arrays `(image_size, image_size, 3)`, uint8, always in the same order.

    Raises:
        ValueError: If an argument makes no sense, or the data are neither prepared nor to be had.

    Example:
        >>> images = keras_ms.data.stl10("train", limit=10_000)  # doctest: +SKIP
    """
    return images("stl10", "image", split, data_dir, manual_dir, limit, image_size)


def celeb_a(
    split: str = "train",
    data_dir: str | os.PathLike[str] | None = None,
    limit: int | None = None,
    image_size: int | None = 128,
    manual_dir: str | os.PathLike[str] | None = None,
) -> list[np.ndarray]:
    """Reads CelebA's aligned faces, TFDS's splits `train` and `validation`.

    It is downloaded and prepared (1.4 GB) where TFDS finds no prepared copy. Without a network,
    or where its host refuses, put `img_align_celeba.zip`, `list_eval_partition.txt`,
    `list_attr_celeba.txt`, `list_landmarks_align_celeba.txt` and `identity_CelebA.txt`, as they
    came, into `manual_dir`. (TFDS tries a missing network for some minutes.) All images are held
    in memory: those for training are 8.0 GB at 128 pixels, 18.9 GB unresized, and a
    `MultiscaleDataset` with its coarser levels takes 2.3 times as much again.

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
        ValueError: If an argument makes no sense, or the data are neither prepared nor to be had.

    Example:
        >>> faces = keras_ms.data.celeb_a("validation", data_dir="prepared")  # doctest: +SKIP
    """
    return images("celeb_a", "image", split, data_dir, manual_dir, limit, image_size)


def prepared_split(
    name: str,
    split: str,
    data_dir: str | os.PathLike[str] | None = None,
    manual_dir: str | os.PathLike[str] | None = None,
) -> tf.data.Dataset:
    """Prepares a data set unless it is prepared, and opens `"train"` or `"validation"` of it.

    Args:
        name: TFDS's name: `"stl10"`, `"celeb_a"`, `"urban100/x2"` or `"urban100/x4"`.
        split: `"train"` or `"validation"`.
        data_dir: As in `stl10`.
        manual_dir: As in `stl10`.

    Returns:
        A finite `tf.data.Dataset` of TFDS's dictionaries, always in the same order.

    Raises:
        ValueError: If there is no such split, or the data are neither prepared nor to be had.
    """
    splits = _SPLITS[name.partition("/")[0]]
    known(split, splits, "split", "split")
    # Imported late: they would slow down `import keras_ms`.
    import tensorflow_datasets as tfds

    import keras_ms.data.sources.urban100_builder  # noqa: F401  registers urban100

    builder = tfds.builder(name, data_dir=data_dir)
    _prepare(builder, data_dir, manual_dir, tfds.download.DownloadConfig(manual_dir=manual_dir))
    # Images are read once and kept as arrays; TFDS's own cache would keep them twice.
    read = tfds.ReadConfig(try_autocache=False)
    return builder.as_dataset(split=splits[split], read_config=read)


def _prepare(builder: Any, data_dir: Any, manual_dir: Any, config: Any) -> None:
    try:
        builder.download_and_prepare(download_config=config)
    except Exception as error:  # a network, a disc and an archive fail in ways of their own
        # TFDS names the files that it takes as they came by their checksums.
        files = [info.filename for info in (builder.url_infos or {}).values()]
        needed = builder.MANUAL_DOWNLOAD_INSTRUCTIONS or f"Files, as they came: {', '.join(files)}."
        where = manual_dir or os.path.join(builder.data_dir_root, "downloads", "manual")
        raise ValueError(
            f"The data set {builder.name!r} is not prepared and could not be: {error} "
            f"Received: data_dir={_shown(data_dir)}, manual_dir={_shown(manual_dir)}. Expected: "
            f"a copy prepared by TensorFlow Datasets in {builder.data_dir!s}, or the files that "
            f"it is prepared from in the manual directory {where!s}. {needed}"
        ) from error


def _shown(directory: Any) -> str:
    return "None" if directory is None else repr(os.fspath(directory))


def images(
    name: str,
    feature: str,
    split: str,
    data_dir: str | os.PathLike[str] | None,
    manual_dir: str | os.PathLike[str] | None,
    limit: int | None,
    image_size: int | None,
) -> list[np.ndarray]:
    """Reads one feature of a split into memory, resized if `image_size` is given.

    Raises:
        ValueError: As `stl10`.
    """
    none_or_positive(limit=limit, image_size=image_size)
    examples = prepared_split(name, split, data_dir, manual_dir)
    if limit is not None:
        examples = examples.take(limit)

    def image(example: dict[str, Any]) -> Any:
        return example[feature] if image_size is None else _resized(example[feature], image_size)

    found = examples.map(image, num_parallel_calls=tf.data.AUTOTUNE)
    read = found.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    return list(track(read, f"Reading {name}", total=len(found), transient=True))


def _resized(image: Any, side: int) -> Any:
    # Antialiased, as Pillow does it: a smaller image averages over all its pixels.
    resized = tf.image.resize(image, (side, side), method="bilinear", antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)
