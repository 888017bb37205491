"""Urban100: its photographs, and crops at the same place of both sizes of an image."""

from __future__ import annotations

import functools
import numbers

import numpy as np
import tensorflow as tf

from keras_ms.data.python_calls import called
from keras_ms.data.sources import tfds
from keras_ms.data.sources.source import Directory, Source
from keras_ms.validation import none_or_positive, shown

NAMES = {"urban100": "SOURCE"}

SPLITS = {"train": "train", "validation": "validation"}

_Pair = tuple[np.ndarray, np.ndarray]


def urban100(
    split: str = "train",
    data_dir: Directory = None,
    limit: int | None = None,
    factor: int = 2,
    manual_dir: Directory = None,
) -> list[np.ndarray]:
    """Reads the full-size photographs of Urban100; `urban100_pairs` has both sizes.

    Urban100 has no official training split: images whose number is divisible by 5 are for
    validation, the others for training. There is nothing to download from: put its files
    `img_001_SRF_2_HR.png`, `img_001_SRF_2_LR.png`, ... into `manual_dir`, once; TFDS keeps a
    prepared copy in `data_dir`.

    Args:
        split: `"train"` (80 images) or `"validation"` (20).
        data_dir: As in `stl10`.
        limit: At most so many images, 1 or more. Defaults to all.
        factor: 2 (default) or 4: whose files are read, `SRF_2` or `SRF_4`.
        manual_dir: As in `stl10`.

    Returns:
        Arrays `(height, width, 3)`, uint8, of many sizes, always in the same order.

    Raises:
        ValueError: If an argument makes no sense, or files are missing or do not fit.

    Example:
        >>> houses = keras_ms.data.urban100(manual_dir="image_SRF_2")  # doctest: +SKIP
    """
    return tfds.images(_known(factor), "hr", SPLITS, split, data_dir, manual_dir, limit)


SOURCE = Source(urban100)


def _known(factor: int) -> str:
    """Returns TFDS's name of Urban100 at a scale, which TFDS knows from then on.

    Raises:
        ValueError: If the scale is not 2 or 4.
    """
    if factor not in (2, 4):
        raise ValueError(f"`factor` is 2 or 4. Received: factor={shown(factor)}.")
    # Imported late: it imports TensorFlow Datasets.
    import keras_ms.data.sources.builders.urban100  # noqa: F401

    return f"urban100/x{int(factor)}"


def urban100_pairs(
    split: str = "train",
    data_dir: Directory = None,
    crop_size: int = 128,
    samples: int | None = None,
    factor: int = 2,
    manual_dir: Directory = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """Makes super-resolution pairs of Urban100 for a `MultiscaleDataset` without a task.

    Images take turns in a fixed order; each time, a crop is taken at a new random place, the same
    of both sizes. Pair `k` is a pure function of `seed` and `k`. Images are in memory (60 MB);
    values are in [0, 1], not normalised.

    Args:
        split: `"train"` (80 images) or `"validation"` (20), as in `urban100`.
        data_dir: As in `urban100`.
        crop_size: Side of the targets, in pixels: a multiple of `factor`, and not larger than any
            image (of the originals, at most 282). Inputs have the side `crop_size / factor`.
        samples: Number of pairs, 1 or more. Defaults to an endless stream.
        factor: 2 (default) or 4.
        manual_dir: As in `urban100`.
        seed: Same seed, same crops.

    Returns:
        A `tf.data.Dataset` of unbatched `(low, high)`, float32.

    Raises:
        ValueError: If an argument makes no sense, or files are missing or do not fit.

    Example:
        >>> pairs = keras_ms.data.urban100_pairs(manual_dir="image_SRF_2")  # doctest: +SKIP
        >>> dataset = keras_ms.MultiscaleDataset(pairs, levels=(4, 8, 16))  # doctest: +SKIP
        >>> held_out = keras_ms.data.urban100_pairs("validation", samples=64)  # doctest: +SKIP
        >>> model.fit(dataset, validation_data=held_out.batch(16))  # doctest: +SKIP
    """
    none_or_positive(crop_size=crop_size, samples=samples)
    if crop_size is None or not isinstance(seed, numbers.Integral):
        raise ValueError(
            f"`crop_size` and `seed` are integers. Received: crop_size={crop_size}, seed={seed}."
        )
    name = _known(factor)
    examples = tfds.prepared_split(name, SPLITS, split, data_dir, manual_dir)
    images = _Images((one["lr"], one["hr"]) for one in examples.as_numpy_iterator())
    _check_crop_size(crop_size, factor, images)
    shapes = [(side, side, 3) for side in (crop_size // factor, crop_size)]

    cut = functools.partial(_cut, size=crop_size, factor=factor, seed=seed % 2**32)

    def pair(index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        low, high = called(images, cut, [index], (tf.float32, tf.float32), stateful=False)
        return tf.ensure_shape(low, shapes[0]), tf.ensure_shape(high, shapes[1])

    indices = tf.data.Dataset.range(tf.int64.max if samples is None else samples)
    return indices.map(pair, num_parallel_calls=tf.data.AUTOTUNE)


class _Images(list[_Pair]):
    """Pairs in memory."""


def _cut(images: _Images, index: np.ndarray, size: int, factor: int, seed: int) -> _Pair:
    rng = np.random.default_rng((seed, int(index)))
    return _aligned_crop(images[index % len(images)], size, factor, rng)


def _aligned_crop(pair: _Pair, size: int, factor: int, rng: np.random.Generator) -> _Pair:
    low, high = pair
    side = size // factor
    # The corner is drawn on the coarser grid, so that it is a whole pixel of both.
    row, column = (int(rng.integers(length - side + 1)) for length in low.shape[:2])
    small = low[row : row + side, column : column + side]
    row, column = row * factor, column * factor
    large = high[row : row + size, column : column + size]
    return small.astype(np.float32) / 255.0, large.astype(np.float32) / 255.0


def _check_crop_size(size: int, factor: int, images: list[_Pair]) -> None:
    least = min(min(high.shape[:2]) for _, high in images)
    if size % factor or size > least:
        raise ValueError(
            f"`crop_size` is a multiple of the factor {factor} and at most {least}, the shortest "
            f"side of an image. Received: crop_size={size}."
        )
