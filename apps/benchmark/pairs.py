"""What the input pipeline adds to a step on pairs of one's own, read from picture files."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.data import MultiscaleDataset

from .pipeline import of_dataset
from .settings import PAIR_SIDES, BenchmarkSettings
from .steps import TINY_RATE, Row

PAIRS = 48
CLASSES = 8
COARSE_CELLS = 16  # a region of one class is some sixteenth of the picture wide


def share(
    settings: BenchmarkSettings,
    images: Sequence[np.ndarray],
    sides: tuple[int, int] = PAIR_SIDES,
    number: int = PAIRS,
) -> list[Row]:
    """Steps of a small segmentation network, fed from files and on batches in memory.

    Photographs are JPEG files, class maps PNG files, as people have them.

    Args:
        settings: The settings; `pair_batch_sizes` are those of the levels.
        images: Photographs that pairs are cut from, `(height, width, 3)`, uint8 or in
            [0, 1].
        sides: Sides of a pair.
        number: How many pairs there are.

    Returns:
        Rows as `pipeline.share`.
    """
    with tempfile.TemporaryDirectory(prefix="keras_ms-pairs-") as folder:
        write_pairs(pathlib.Path(folder), images, sides, number)
        pairs = read_pairs(pathlib.Path(folder))
        dataset = MultiscaleDataset(
            pairs, levels=settings.pair_batch_sizes, image_size=sides, flip=True
        )
        return of_dataset(settings, dataset, make_segmenter(settings.pair_width))


def write_pairs(
    folder: pathlib.Path, images: Sequence[np.ndarray], sides: tuple[int, int], number: int
) -> None:
    """Writes photographs, `photo/*.jpg`, and class maps of their brightness, `map/*.png`."""
    rng = np.random.default_rng(0)
    for kind in ("photo", "map"):
        (folder / kind).mkdir()
    for index in range(number):
        photo = _part(images[index % len(images)], sides, rng)
        classes = _regions(photo)
        (folder / "photo" / f"{index:03}.jpg").write_bytes(
            tf.io.encode_jpeg(photo, quality=90).numpy()
        )
        (folder / "map" / f"{index:03}.png").write_bytes(tf.io.encode_png(classes).numpy())


def _part(image: np.ndarray, sides: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    if image.dtype != np.uint8:
        image = np.rint(255.0 * image).astype(np.uint8)
    missing = [(0, max(0, side - have)) for side, have in zip(sides, image.shape, strict=False)]
    image = np.pad(image, [*missing, (0, 0)], mode="symmetric")
    row, column = (rng.integers(have - s + 1) for have, s in zip(image.shape, sides, strict=False))
    return image[row : row + sides[0], column : column + sides[1]]


def _regions(photo: np.ndarray) -> np.ndarray:
    """Class maps as of things: regions of about one brightness, `(height, width, 1)`, uint8."""
    cells = tf.image.resize(photo.mean(axis=-1, keepdims=True), (COARSE_CELLS, COARSE_CELLS))
    smooth = tf.image.resize(cells, photo.shape[:2], "bicubic").numpy()
    bounds = np.quantile(smooth, np.linspace(0.0, 1.0, CLASSES + 1)[1:-1])
    return np.digitize(smooth, bounds).astype(np.uint8)


def read_pairs(folder: pathlib.Path) -> keras_ms.data.FolderPairs:
    """The pairs that `write_pairs` wrote."""
    return keras_ms.data.FolderPairs(folder / "photo", folder / "map", classes=CLASSES)


def make_segmenter(width: int) -> keras_ms.MultiscaleModel:
    """A UNet of four meshes with a class per pixel, compiled for steps that are only timed."""
    network = keras_ms.networks.UNet(
        width=width, multipliers=(1, 2, 4, 8), dropout=0.0, outputs=CLASSES
    )
    model = keras_ms.MultiscaleModel(network.input, network.output)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(TINY_RATE), loss)
    return model
