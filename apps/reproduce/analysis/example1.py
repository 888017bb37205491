"""Example 1 of the paper, equations (14) to (16): one convolution in one dimension, mesh by mesh.

The model of a signal `x_h` is its convolution with 3 weights `w`, the loss half the mean over the
mesh of `(w * x_h - y_h)^2`. With `p` the 3 neighbours around a point, its gradient is

    A_h w - b_h,    A_h = mean of p p^T,    b_h = mean of p y_h.

Only points with two neighbours count, so that no border plays a part. Coarse signals are linear
interpolations halfway between two points: `keras_ms.restriction.average`.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

WEIGHTS = 3


class Normal(NamedTuple):
    """The gradient `A w - b` of the loss of signals on one mesh.

    Attributes:
        matrices: `A`, `(signals, 3, 3)`.
        vectors: `b`, `(signals, 3)`.
    """

    matrices: np.ndarray
    vectors: np.ndarray

    def gradients(self, weights: np.ndarray) -> np.ndarray:
        """Gradients at some weights `(kernels, 3)`: `(signals, kernels, 3)`."""
        return np.einsum("sij,kj->ski", self.matrices, weights) - self.vectors[:, np.newaxis]


def normal(inputs: np.ndarray, targets: np.ndarray) -> Normal:
    """`A_h` and `b_h` of signals `(signals, points)`."""
    around = np.lib.stride_tricks.sliding_window_view(np.float64(inputs), WEIGHTS, axis=1)
    points = around.shape[1]
    matrices = np.einsum("sni,snj->sij", around, around) / points
    vectors = np.einsum("sni,sn->si", around, np.float64(targets[:, 1:-1])) / points
    return Normal(matrices, vectors)


def coarser(signals: np.ndarray) -> np.ndarray:
    """The signals `(signals, points)` on the next coarser mesh, by linear interpolation."""
    import keras

    from keras_ms import restriction

    fields = keras.ops.convert_to_tensor(signals[..., np.newaxis], "float32")
    return keras.ops.convert_to_numpy(restriction.average(fields))[..., 0]


def meshes(signals: np.ndarray, coarsest: int) -> list[np.ndarray]:
    """The signals on all meshes, finest first, down to so many points; single precision."""
    found = [signals.astype(np.float32)]
    while found[-1].shape[1] > coarsest:
        found.append(coarser(found[-1]))
    return found


class Differences(NamedTuple):
    """`|grad_h - grad_2h|`, equation (16), finest first.

    Attributes:
        points: Points of the finer mesh of every pair.
        mean: Mean over signals and weights.
        error: Its standard error, by signals.
    """

    points: tuple[int, ...]
    mean: np.ndarray
    error: np.ndarray


def differences(
    clean: np.ndarray, deviation: float, weights: np.ndarray, coarsest: int, seed: int
) -> Differences:
    """Differences of gradients between neighbouring meshes.

    Args:
        clean: What is to be restored, `(signals, points)`.
        deviation: Of the white noise that is added to it on the finest mesh.
        weights: Where gradients are taken, `(kernels, 3)`.
        coarsest: Points of the coarsest mesh.
        seed: Of the noise.
    """
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    inputs = meshes(clean + deviation * noise, coarsest)
    targets = meshes(clean, coarsest)
    found = [normal(*both).gradients(weights) for both in zip(inputs, targets, strict=True)]
    norms = [
        np.linalg.norm(fine - coarse, axis=-1).mean(axis=1)
        for fine, coarse in itertools.pairwise(found)
    ]
    points = tuple(signals.shape[1] for signals in inputs[:-1])
    errors = [np.std(norm, ddof=1) / np.sqrt(len(norm)) for norm in norms]
    return Differences(points, np.array([norm.mean() for norm in norms]), np.array(errors))


def longest(pictures: Sequence[np.ndarray], most: int) -> int:
    """The greatest power of 2, up to `most`, that half of the pictures are as wide as."""
    wide = float(np.median([picture.shape[1] for picture in pictures]))
    return min(most, 2 ** int(np.log2(wide)))


def lines(pictures: Sequence[np.ndarray], points: int, count: int, seed: int) -> np.ndarray:
    """Lines of pixels at random places of pictures.

    Args:
        pictures: `(height, width, channels)`, of bytes, 16 bits or floats in [0, 1].
        points: Of a line; narrower pictures are left out.
        count: Number of lines.
        seed: Of the places.

    Returns:
        Means over the channels, black -1 and white 1: `(count, points)`.
    """
    from keras_ms.data.sources.stored import full

    rng = np.random.default_rng(seed)
    wide = [picture for picture in pictures if picture.shape[1] >= points]
    found = []
    for _ in range(count):
        picture = wide[rng.integers(len(wide))]
        row, start = rng.integers(len(picture)), rng.integers(picture.shape[1] - points + 1)
        line = picture[row, start : start + points].mean(axis=-1)
        found.append(2.0 * line / full(picture.dtype) - 1.0)
    return np.array(found)
