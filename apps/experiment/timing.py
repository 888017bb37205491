"""Seconds per call, taken in turn, so that whatever else the machine does falls on all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training.fit_run import FitRun

Step = Callable[[], object]
WARM_UP = 2


class Timed(NamedTuple):
    """Seconds of one call.

    Attributes:
        rounds: Mean of each round.
    """

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the rounds."""
        return float(np.median(self.rounds))


def interleaved(
    steps: Mapping[str, Step], rounds: int, seconds_per_round: float
) -> dict[str, Timed]:
    """Times functions in turn.

    Args:
        steps: What to time; each call does one step and waits for its end.
        rounds: How many times each is timed.
        seconds_per_round: Roughly how long each is repeated in a round, at least once.

    Returns:
        Seconds per call.
    """
    counts = {name: _calls(step, seconds_per_round) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            begin = time.perf_counter()
            for _ in range(counts[name]):
                step()
            times[name].append((time.perf_counter() - begin) / counts[name])
    return {name: Timed(tuple(values)) for name, values in times.items()}


def _calls(step: Step, seconds: float) -> int:
    for _ in range(WARM_UP):
        step()
    begin = time.perf_counter()
    step()
    return max(1, int(seconds / (time.perf_counter() - begin)))


def ratio(one: Timed, other: Timed) -> float:
    """Median over the rounds of how many times longer `one` takes than `other`."""
    return float(np.median(np.divide(one.rounds, other.rounds)))


def training_step(model: keras.Model, batches: Iterator[Any]) -> Step:
    """A step of a compiled model as `fit` takes it, on the next batch."""
    model.make_train_function()
    return lambda: keras.tree.map_structure(float, model.train_function(batches))


def step_in_memory(model: keras.Model, dataset: keras_ms.MultiscaleDataset, stage: Stage) -> Step:
    """A step of a stage as `fit` takes it, traces shared between levels, always on one batch."""
    with FitRun(model, dataset) as run:
        step = training_step(model, kept_in_memory(run.streams.of(stage, 0)))
        step()  # traces
    return step


def kept_in_memory(stream: tf.data.Dataset) -> Iterator[Any]:
    """The first batch of a stream, again and again."""
    return iter(stream.take(1).cache().repeat())
