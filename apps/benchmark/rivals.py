"""Seconds per work unit beside stock Keras and PyTorch."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np

from keras_ms.levels import Stage

from ..experiment import building
from ..experiment.timing import Timed, interleaved, ratio, step_in_memory
from . import torch_loop
from .settings import BenchmarkSettings
from .steps import TINY_RATE, Row, make_model

FIRST = 3  # steps of a fit that start it up
STEPS = 15


class _Ends(keras.callbacks.Callback):
    """Notes when every step ended."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.times.append(time.perf_counter())

    @property
    def seconds_per_step(self) -> float:
        return (self.times[-1] - self.times[FIRST - 1]) / (len(self.times) - FIRST)


def fits(settings: BenchmarkSettings, images: list[Any]) -> list[Row]:
    """`fit` of stock Keras, of our single-scale and of the telescoping sum, pipelines included.

    Returns:
        One row each: work units and seconds per step, seconds per work unit, and the latter over
        those of stock Keras.
    """
    batch = settings.batch_sizes[0]
    one = building.make_dataset(settings, images, STEPS, levels=(batch,))
    several = building.make_dataset(settings, images, STEPS)
    network = building.make_network(settings)
    stock = keras.Model(network.input, network.output)
    building.compile_as_asked(stock, settings, TINY_RATE)
    stream = one.stage(0).map(lambda b: b.fine[0])
    ours = make_model(settings)
    runs = {
        "stock Keras fit": (stock, stream, {"steps_per_epoch": STEPS}, float(batch)),
        "single_scale": (ours, one, {}, one.work_units()),
        "multiscale": (ours, several, {}, several.work_units()),
    }
    found: dict[str, list[float]] = {name: [] for name in runs}
    for index in range(settings.rounds + 1):
        for name, (model, data, options, _) in runs.items():
            ends = _Ends()
            model.fit(data, epochs=1, callbacks=[ends], verbose=0, shuffle=False, **options)
            if index:  # the first round traces
                found[name].append(ends.seconds_per_step)
    timed = {name: Timed(tuple(values)) for name, values in found.items()}
    units = {name: run[-1] for name, run in runs.items()}
    return beside("stock Keras fit", timed, units)


def torch_steps(settings: BenchmarkSettings, images: list[Any]) -> list[Row]:
    """Our steps and those of a plain PyTorch loop, both on batches in memory.

    Returns:
        Rows as of `fits`, over those of PyTorch; empty if PyTorch is not installed.
    """
    if not torch_loop.available(settings):
        return []
    batch = settings.batch_sizes[0]
    datasets = {
        "single_scale": building.make_dataset(settings, images, levels=(batch,)),
        "multiscale": building.make_dataset(settings, images),
    }
    model = make_model(settings)
    steps: dict[str, Any] = {
        name: step_in_memory(model, dataset, Stage(0, dataset.batch_sizes()))
        for name, dataset in datasets.items()
    }
    units = {name: dataset.work_units() for name, dataset in datasets.items()}
    with torch_loop.Worker(settings.width or 128, settings.depth or 2) as worker:
        for name, dataset in datasets.items():
            steps[f"PyTorch {name}"] = worker.step(next(iter(dataset.stage(0))))
            units[f"PyTorch {name}"] = units[name]
        timed = interleaved(steps, settings.rounds, settings.seconds_per_round)
    return beside("PyTorch single_scale", timed, units)


def beside(baseline: str, timed: dict[str, Timed], units: dict[str, float]) -> list[Row]:
    """Rows of candidates that were timed in turn, relative to one of them in the same round.

    Args:
        baseline: Name of that one.
        timed: Seconds per step by name.
        units: Work units per step by name.
    """
    return [
        {
            "name": name,
            "work_units": units[name],
            "seconds": timed[name].median,
            "seconds_per_work_unit": timed[name].median / units[name],
            "relative": ratio(timed[name], timed[baseline]) * units[baseline] / units[name],
            "spread": float(np.std(timed[name].rounds) / timed[name].median),
        }
        for name in timed
    ]
