"""How long a forward and backward pass takes on every level, on this hardware."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ms.data import MultiscaleDataset
from keras_ms.data.own_errors import batches_of
from keras_ms.gradients.per_sample import Aside, run_on_one_replica

REPEATS = 5
_LEAST_SLOPE = 0.1  # share of a pass that grows with its batch at least: noise may hide it all


def seconds_by_level(
    model: keras.Model,
    gradient: Callable[[Any], Any],
    dataset: MultiscaleDataset,
    sizes: Sequence[tuple[int, int]],
    unit: int = 1,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Measures seconds per pass over a batch as `fixed + per_sample * batch size`.

    The batch sizes are taken in turn, so that whatever else the machine does falls on all alike.

    Args:
        model: The model.
        gradient: Its gradient function.
        dataset: Where batches come from.
        sizes: Two batch sizes per level, the larger first, that the line goes through.
        unit: What batch sizes have to be multiples of, besides the number of replicas.

    Returns:
        Seconds per sample and fixed seconds, one each per level: medians of several passes.
    """
    replicas = model.distribute_strategy.num_replicas_in_sync  # which share a batch
    pairs = [_shared(pair, math.lcm(replicas, unit)) for pair in sizes]
    batches = [
        [next(batches_of(dataset, level, batch_sizes=(n // replicas,))).fine[level] for n in pair]
        for level, pair in enumerate(pairs)
    ]
    times = np.empty((REPEATS + 1, len(sizes), 2))
    with Aside(model):
        for repeat in range(REPEATS + 1):
            for level, two in enumerate(batches):
                for which, batch in enumerate(two):
                    start = time.perf_counter()
                    float(run_on_one_replica(model, gradient, batch)[0])
                    times[repeat, level, which] = time.perf_counter() - start
    large, small = np.median(times[1:], axis=0).T
    differences = np.array([n - m for n, m in pairs])
    counts = np.array([n for n, _ in pairs])
    slopes = (large - small) / differences
    per_sample = np.clip(slopes, _LEAST_SLOPE * large / counts, large / counts)
    fixed = np.maximum(large - per_sample * counts, 0.0)  # rounding may leave -1e-16
    return tuple(per_sample.tolist()), tuple(fixed.tolist())


def _shared(pair: tuple[int, int], unit: int) -> tuple[int, int]:
    """Two different sizes that are multiples of a unit."""
    small = unit * max(1, pair[1] // unit)
    return max(small + unit, unit * (pair[0] // unit)), small
