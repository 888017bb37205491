"""Pictures, maps and numbers of which datasets find out what they are."""

import numpy as np

import keras_ms

COUNT = 12
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
FLOATS = RNG.random((COUNT, 32, 32, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (COUNT, 32, 32), dtype=np.int32)
IDS = np.arange(COUNT)


def dataset(x, y, *weights, levels=(1, 2, 3), **options):
    return keras_ms.MultiscaleDataset((x, y, *weights), levels=levels, **options)


def first(made):
    return next(iter(made.stage().take(1).as_numpy_iterator()))


def times(values, restrict, count):
    for _ in range(count):
        values = restrict(values)
    return values
