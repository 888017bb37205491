"""Splits and images of a data set of TensorFlow Datasets, prepared where need be."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms.data.progress import track
from keras_ms.data.sources.source import Directory
from keras_ms.validation import known, none_or_positive

INTERPOLATIONS = ("bilinear", "nearest")


def prepared_split(
    name: str,
    splits: dict[str, str],
    split: str,
    data_dir: Directory = None,
    manual_dir: Directory = None,
) -> tf.data.Dataset:
    """Prepares a data set unless it is prepared, and opens `"train"` or `"validation"` of it.

    Args:
        name: TFDS's name, such as `"stl10"` or `"urban100/x2"`.
        splits: What TFDS calls `"train"` and `"validation"`.
        split: `"train"` or `"validation"`.
        data_dir: As in `stl10`.
        manual_dir: As in `stl10`.

    Returns:
        A finite `tf.data.Dataset` of TFDS's dictionaries, always in the same order.

    Raises:
        ValueError: If there is no such split, or the data are not prepared and cannot be.
    """
    known(split, splits, "split", "split")
    import tensorflow_datasets as tfds  # imported late: it would slow down `import keras_ms`

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
    splits: dict[str, str],
    split: str,
    data_dir: Directory = None,
    manual_dir: Directory = None,
    limit: int | None = None,
    image_size: int | None = None,
    interpolation: str = "bilinear",
) -> list[np.ndarray]:
    """Reads one feature of a split into memory.

    Args:
        name: As in `prepared_split`.
        feature: Key of the image in TFDS's dictionaries.
        splits: As in `prepared_split`.
        split: `"train"` or `"validation"`.
        data_dir: Where TFDS keeps prepared data. Defaults to `~/tensorflow_datasets`.
        manual_dir: Where files as they came are looked for. Defaults to
            `data_dir/downloads/manual`.
        limit: At most so many images, 1 or more. Defaults to all.
        image_size: Side in pixels of the square that images are resized to. Defaults to no
            resizing.
        interpolation: How they are, `"bilinear"` or `"nearest"`.

    Returns:
        Arrays `(height, width, channels)`, always in the same order.

    Raises:
        ValueError: If an argument makes no sense, or the data are not prepared and cannot be.
    """
    none_or_positive(limit=limit, image_size=image_size)
    known(interpolation, INTERPOLATIONS, "interpolation", "interpolation")
    examples = prepared_split(name, splits, split, data_dir, manual_dir)
    if limit is not None:
        examples = examples.take(limit)

    def image(example: dict[str, Any]) -> Any:
        if image_size is None:
            return example[feature]
        return _resized(example[feature], image_size, interpolation)

    found = examples.map(image, num_parallel_calls=tf.data.AUTOTUNE)
    read = found.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()
    return list(track(read, f"Reading {name}", total=len(found)))


def _resized(image: Any, side: int, interpolation: str) -> Any:
    # Antialiased, as Pillow does it: a smaller image averages over all its pixels.
    resized = tf.image.resize(image, (side, side), method=interpolation, antialias=True)
    return tf.cast(tf.round(resized), tf.uint8)
