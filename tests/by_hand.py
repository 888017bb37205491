"""Restriction and moments written out in NumPy, for expectations that do not run the library."""

import numpy as np


def _halved(field, axes):
    return range(1, field.ndim - 1) if axes is None else [1 + axis for axis in axes]


def block_mean(field, axes=None):
    """Mean of each 2 x ... x 2 block of `(batch, *spatial, channels)`, in float64.

    `axes` are the spatial axes that are halved, counted from 0; `None` for all.
    """
    field = np.asarray(field, np.float64)
    for axis in _halved(field, axes):
        even, odd = (np.take(field, np.arange(k, field.shape[axis], 2), axis) for k in (0, 1))
        field = (even + odd) / 2.0
    return field


def every_second(field, axes=None):
    field = np.asarray(field)
    for axis in _halved(field, axes):
        field = np.take(field, np.arange(0, field.shape[axis], 2), axis)
    return field


def central_half(field, axes=None):
    field = np.asarray(field)
    for axis in _halved(field, axes):
        side = field.shape[axis]
        field = np.take(field, np.arange(side // 4, side // 4 + side // 2), axis)
    return field


def most_frequent(field, axes=None):
    """The most frequent pixel of each block, the first of equally frequent ones, by loops."""
    field = np.asarray(field)
    steps = [1 + (axis in _halved(field, axes)) for axis in range(field.ndim)]
    steps[-1] = field.shape[-1]
    coarse = np.empty([n // step for n, step in zip(field.shape, steps, strict=True)][:-1], object)
    for place in np.ndindex(coarse.shape):
        block = field[tuple(slice(k * s, k * s + s) for k, s in zip(place, steps, strict=False))]
        pixels = [tuple(pixel) for pixel in block.reshape(-1, field.shape[-1]).tolist()]
        coarse[place] = max(pixels, key=pixels.count)  # the first of several that are largest
    return np.array(coarse.tolist(), field.dtype).reshape(*coarse.shape, field.shape[-1])


def chi_square(counts):
    """Statistic of Pearson's test that all outcomes are equally likely."""
    counts = np.asarray(counts, np.float64)
    return float(np.sum((counts - counts.mean()) ** 2) / counts.mean())


def assert_standard_normal(samples):
    """Mean 0 and variance 1 within 5 standard errors, for independent samples."""
    n = samples.size
    assert abs(np.mean(samples)) < 5.0 / np.sqrt(n)
    assert abs(np.var(samples) - 1.0) < 5.0 * np.sqrt(2.0 / n)
