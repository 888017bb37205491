"""Whole training runs of every strategy, and of stock Keras, each in a process of its own."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
from typing import Any, NamedTuple

import keras
import numpy as np

from .. import strategies
from ..experiment import building
from ..experiment.options import replaced
from ..experiment.recording import Point, TrainingClock
from ..experiment.settings import Settings
from ..races.contestants import REFERENCE
from ..races.race import Race, settings_of
from ..races.results import median_seconds
from .memory import peak_mib
from .settings import BenchmarkSettings
from .steps import Row

STOCK = "stock Keras fit"


class Run(NamedTuple):
    """What a run took and led to.

    Attributes:
        seconds: All of them but for validation.
        work_units: Likewise.
        loss: Of the last validation.
        start: Seconds until the first step was done.
        first: Work units of that step.
        peak: Resident memory in MiB.
    """

    seconds: float
    work_units: float
    loss: float
    start: float
    first: float
    peak: float

    @property
    def price(self) -> float:
        """Seconds per work unit after the first step, if there are more."""
        rest = self.work_units - self.first
        return (self.seconds - self.start) / rest if rest else self.seconds / self.work_units


def whole(settings: BenchmarkSettings) -> list[Row]:
    """Runs of about as many work units each, in turn; validation does not count.

    Returns:
        One row per strategy: medians over the rounds of its seconds, of those until its first step
        was done, of seconds per work unit after that, over those of stock Keras in the same round,
        of peak memory and of the last validation loss.
    """
    context = multiprocessing.get_context("spawn")
    found: dict[str, list[Run]] = {name: [] for name in (STOCK, *settings.strategies)}
    for seed in range(settings.run_rounds):
        for name, runs in found.items():
            with context.Pool(1) as pool:
                runs.append(pool.apply(_run, (_settings_of(settings, name, seed), name)))
    return [row_of(name, runs, found[STOCK]) for name, runs in found.items()]


def row_of(name: str, runs: list[Run], stock: list[Run]) -> Row:
    """Medians over the rounds, and the price of a work unit over that of `stock` in the same."""
    prices, usual = ([run.price for run in some] for some in (runs, stock))
    middle = Run(*np.median(runs, axis=0).tolist())
    return {
        "name": name,
        "work_units": middle.work_units,
        "whole": middle.seconds,
        "start": middle.start,
        "seconds_per_work_unit": float(np.median(prices)),
        "relative": float(np.median(np.divide(prices, usual))),
        "peak": middle.peak,
        "loss": middle.loss,
    }


def _settings_of(options: BenchmarkSettings, name: str, seed: int) -> Settings:
    strategy = REFERENCE if name == STOCK else name
    options = replaced(options, batch_sizes=options.run_batch_sizes)
    problem, budget = (options.task, options.network), options.run_work_units
    return settings_of(options, problem, strategy, seed=seed, work_units=budget)


def _run(settings: Settings, name: str) -> Run:
    keras.config.set_dtype_policy(settings.dtype_policy)
    images = building.images_in_memory(settings, "train")
    validation = building.make_validation(settings, building.load_images(settings, "validation"))
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        if name == STOCK:
            end, start = _stock(settings, images, validation)
        else:
            curve = strategies.get(settings.strategy).train(settings, images, validation).curve
            end, start = curve.final, curve.start or (0.0, 0.0)
    return Run(*end, *start, peak_mib())


class _FirstStep(keras.callbacks.Callback):
    """Notes when the first step was done."""

    def __init__(self, clock: TrainingClock) -> None:
        super().__init__()
        self._clock = clock
        self.seconds = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.seconds = self.seconds or self._clock.seconds


def _stock(
    settings: Settings, images: list[Any], validation: Any
) -> tuple[Point, tuple[float, float]]:
    """Keras's own `Model` and `fit`, on the batches of single_scale."""
    batch = settings.single_scale_batch
    steps = int((settings.work_units or batch) // batch)
    data = building.make_dataset(settings, images, levels=(batch,))
    network = building.make_network(settings)
    model = keras.Model(network.input, network.output)
    rate = building.decayed(settings, steps)
    building.compile_as_asked(model, settings, rate)
    stream, clock = data.stage(0).map(lambda b: b.fine[0]), TrainingClock()
    first = _FirstStep(clock)
    model.fit(stream, steps_per_epoch=steps, callbacks=[clock, first], verbose=0, shuffle=False)
    seconds = clock.seconds
    loss = model.evaluate(validation, verbose=0)
    return Point(seconds, float(steps * batch), loss), (first.seconds, float(batch))


def quality(settings: BenchmarkSettings) -> list[Row]:
    """Seconds until the strategies are as good as single_scale is after `reference_seconds`.

    Returns:
        One row per strategy, after stock Keras, whose steps single_scale takes: median seconds
        over the seeds, and how many times less that is than stock Keras takes.
    """
    options = replaced(settings, batch_sizes=settings.run_batch_sizes)
    race = Race(options, settings.task, settings.network, os.path.join(settings.output, "runs"))
    reference = race.reference()
    rows = [quality_of(STOCK, race.best_rate(REFERENCE), reference.seconds, reference.seconds)]
    for name in settings.strategies:
        seconds = median_seconds(race.reached(name, reference.loss))
        rows.append(quality_of(name, race.best_rate(name), seconds, reference.seconds))
    return rows


def quality_of(name: str, rate: float, seconds: float, stock: float) -> Row:
    """The row of a contestant that reached the quality after `seconds`, infinite if never."""
    times = stock / seconds if math.isfinite(seconds) else math.nan
    return {"name": name, "rate": rate, "to_quality": seconds, "times_faster": times}
