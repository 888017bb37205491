"""Restriction and moments written out in NumPy, for expectations that do not run the library."""

import numpy as np


def block_mean(field):
    """Mean of each 2 x ... x 2 block of `(batch, *spatial, channels)`, in float64."""
    field = np.asarray(field, np.float64)
    for axis in range(1, field.ndim - 1):
        even, odd = (np.take(field, np.arange(k, field.shape[axis], 2), axis) for k in (0, 1))
        field = (even + odd) / 2.0
    return field


def every_second(field):
    field = np.asarray(field)
    for axis in range(1, field.ndim - 1):
        field = np.take(field, np.arange(0, field.shape[axis], 2), axis)
    return field


def central_half(field):
    field = np.asarray(field)
    for axis in range(1, field.ndim - 1):
        side = field.shape[axis]
        field = np.take(field, np.arange(side // 4, side // 4 + side // 2), axis)
    return field


def chi_square(counts):
    """Statistic of Pearson's test that all outcomes are equally likely."""
    counts = np.asarray(counts, np.float64)
    return float(np.sum((counts - counts.mean()) ** 2) / counts.mean())


def assert_standard_normal(samples):
    """Mean 0 and variance 1 within 5 standard errors, for independent samples."""
    n = samples.size
    assert abs(np.mean(samples)) < 5.0 / np.sqrt(n)
    assert abs(np.var(samples) - 1.0) < 5.0 * np.sqrt(2.0 / n)
