"""Problems other than pictures from pictures: classification, signals, volumes; made up by seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import layers
from scipy import ndimage

import keras_ms

Examples = tuple[np.ndarray, np.ndarray]


class Example(NamedTuple):
    """A problem to race on.

    Attributes:
        made: `made(count, seed)` returns inputs and targets.
        network: Builds an untrained network, of inputs of any size.
        batch_sizes: Of coarse to fine, finest first.
        plain: Batch sizes of plain training that take part.
        metric: Makes what judges, larger is better.
        train: Examples to train on.
        held_out: Examples that judge.
        options: More of `MultiscaleDataset`, such as turns.
    """

    made: Callable[[int, int], Examples]
    network: Callable[[], keras.Model]
    batch_sizes: tuple[int, ...]
    plain: tuple[int, ...]
    metric: Callable[[], keras.metrics.Metric]
    train: int
    held_out: int
    options: Mapping[str, Any] = {}


PETALS = (2, 3, 4, 5)


def flowers(count: int, seed: int, side: int = 96) -> Examples:
    """Pictures of a flower before a restless ground; the class says how many petals it has.

    Args:
        count: How many.
        seed: Same seed, same pictures.
        side: Of a picture, in pixels.

    Returns:
        `(count, side, side, 3)`, uint8, and classes `(count,)`.
    """
    rng = np.random.default_rng(seed)
    classes = rng.integers(len(PETALS), size=count)
    return np.stack([_flower(PETALS[petals], side, rng) for petals in classes]), classes


def petals_of(petals: int, radius: float, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Whether places, counted from the middle of a flower, lie in it."""
    angle = np.arctan2(rows, columns)
    return np.hypot(rows, columns) < radius * (1 + 0.45 * np.cos(petals * angle))


def _flower(petals: int, side: int, rng: np.random.Generator) -> np.ndarray:
    ground = ndimage.zoom(rng.uniform(0, 1, (6, 6, 3)), (side / 6, side / 6, 1), order=1)
    radius, turn = rng.uniform(0.18, 0.3) * side, rng.uniform(0, 2 * np.pi)
    middle = rng.uniform(1.5 * radius, side - 1.5 * radius, 2)
    rows, columns = (np.mgrid[:side, :side].T - middle).T
    cos, sin = np.cos(turn), np.sin(turn)
    turned = cos * rows - sin * columns, sin * rows + cos * columns
    inside = petals_of(petals, radius, *turned)
    picture = np.where(inside[..., np.newaxis], rng.uniform(0, 1, 3), ground)
    picture += rng.normal(0, 0.1, picture.shape)
    return (255 * picture.clip(0, 1)).astype(np.uint8)


def beats(count: int, seed: int, length: int = 1024) -> Examples:
    """Signals of narrow and wide beats on a wandering line, and the class of every sample.

    Args:
        count: How many.
        seed: Same seed, same signals.
        length: Samples of a signal.

    Returns:
        `(count, length, 1)`, float32, and classes `(count, length)`: nothing, narrow, wide.
    """
    rng = np.random.default_rng(seed)
    shape = (count, length)
    x = np.cumsum(rng.normal(0, 0.06, shape), axis=1) + rng.normal(0, 0.4, shape)
    y = np.zeros(shape, np.uint8)
    at, places = np.arange(length), np.arange(40, length - 40, 96)
    for signal, classes in zip(x, y, strict=True):
        for place in places + rng.integers(-24, 24, len(places)):
            kind = int(rng.integers(1, 3))
            width = rng.uniform(5, 8) * kind
            signal += rng.uniform(0.8, 1.4) * np.exp(-(((at - place) / width) ** 2))
            classes[abs(at - place) < 1.5 * width] = kind
    return x[..., np.newaxis].astype(np.float32), y


def shells(count: int, seed: int, side: int = 48) -> Examples:
    """Volumes of balls and hollow shells in noise, and the class of every voxel.

    Args:
        count: How many.
        seed: Same seed, same volumes.
        side: Of a volume, in voxels.

    Returns:
        `(count, side, side, side, 1)`, float32, and classes `(count, side, side, side)`: nothing,
        ball, shell.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.5, (count, side, side, side))
    y = np.zeros(x.shape, np.uint8)
    places = np.mgrid[:side, :side, :side].astype(float)
    for volume, classes in zip(x, y, strict=True):
        for kind in (1, 2, 1, 2):
            radius = rng.uniform(6, 9)
            middle = rng.uniform(radius, side - radius, (3, 1, 1, 1))
            distance = np.sqrt(np.sum((places - middle) ** 2, axis=0))
            volume[(distance < radius) & ((kind == 1) | (distance > radius - 3))] += 0.8
            classes[distance < radius] = kind
    return x[..., np.newaxis].astype(np.float32), y


def classifier() -> keras.Model:
    """Four strided convolutions and a mean over all places, so of pictures of any size."""
    image = keras.Input((None, None, 3))
    hidden = layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    for width in (16, 32, 64, 64):
        hidden = layers.Conv2D(width, 3, strides=2, padding="same", activation="relu")(hidden)
        hidden = layers.Conv2D(width, 3, padding="same", activation="relu")(hidden)
    hidden = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(image, layers.Dense(len(PETALS))(hidden))


def _unet(spatial_dims: int, **options: Any) -> keras.Model:
    return keras_ms.networks.UNet(
        channels=1, spatial_dims=spatial_dims, outputs=3, dropout=0.0, **options
    )


def _mean_iou() -> keras.metrics.Metric:
    return keras.metrics.MeanIoU(3, "quality", sparse_y_pred=False)


def _accuracy() -> keras.metrics.Metric:
    return keras.metrics.SparseCategoricalAccuracy("quality")


EXAMPLES = {
    "classification": Example(
        flowers,
        classifier,
        (8, 16, 32),
        (8, 32),
        _accuracy,
        4000,
        600,
        {"flip": True, "rotate": True},
    ),
    "signals": Example(beats, lambda: _unet(1, width=16), (4, 8, 16), (4, 16), _mean_iou, 200, 100),
    "volumes": Example(
        shells,
        lambda: _unet(3, width=8, multipliers=(1, 2)),
        (1, 4, 16),
        (1, 4),
        _mean_iou,
        40,
        16,
    ),
}
"""By name."""
