"""Coarse to fine against plain training on classification, signals, volumes: equal seconds."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

import keras_ms

from ..experiment.recording import TrainingClock
from ..races import trials
from ..races.ends import spread
from ..strategies.by_the_clock import ByTheClock
from .example_problems import EXAMPLES, Example
from .settings import BenchmarkSettings
from .steps import Row

STEPS_PER_EPOCH = 20
TRIAL_SHARE = 1 / 3
TRIAL_SEED, HELD_OUT_SEED, TRIAL_HELD_OUT_SEED = 100, 1001, 1002
SMALLEST_RATE = 0.01  # of the first one, at the end


class Way(NamedTuple):
    """How a contestant trains.

    Attributes:
        batch_sizes: Finest first; a single one is plain training.
        telescoping: Whether steps are telescoping sums.
    """

    batch_sizes: tuple[int, ...]
    telescoping: bool = False


class Ended(NamedTuple):
    """How a run ended: held-out loss and quality, and the steps of each stage, finest first."""

    loss: float
    quality: float
    steps: tuple[int, ...]


def ways(example: Example) -> dict[str, Way]:
    """Who takes part, by name."""
    plain = {f"plain, batches of {size}": Way((size,)) for size in example.plain}
    sizes = example.batch_sizes
    return {**plain, "coarse to fine": Way(sizes), "full multiscale": Way(sizes, telescoping=True)}


def races(settings: BenchmarkSettings) -> list[Row]:
    """All problems: every contestant with the learning rate that its trials end lowest with.

    Seeds are the outer loop, so that whatever else the machine does falls on all contestants.

    Returns:
        A row per problem and contestant: rate, steps by stage, and medians over the seeds of
        the held-out loss and quality (accuracy, or mean IoU), with the least and the largest.
    """
    rows: list[Row] = []
    for problem in settings.example_problems:
        race = _Race(settings, EXAMPLES[problem])
        ended: dict[str, list[Ended]] = {name: [] for name in race.rates}
        for seed in settings.seeds:
            for name, rate in race.rates.items():
                ended[name].append(race.run(name, rate, seed, settings.example_seconds))
        rows += [_row(problem, name, race.rates[name], ends) for name, ends in ended.items()]
    return rows


class _Race:
    """The examples of a problem, and runs on them."""

    def __init__(self, settings: BenchmarkSettings, example: Example) -> None:
        self._settings, self._example = settings, example
        self._train = example.made(example.train, 0)
        self._judges = {
            seed: example.made(example.held_out, seed)
            for seed in (HELD_OUT_SEED, TRIAL_HELD_OUT_SEED)
        }
        self._ways = ways(example)
        self.rates = {name: self._best_rate(name) for name in self._ways}

    def _best_rate(self, name: str) -> float:
        def trial(rate: float, seconds: float) -> float:
            return self.run(name, rate, TRIAL_SEED, seconds, TRIAL_HELD_OUT_SEED).loss

        seconds = TRIAL_SHARE * self._settings.example_seconds
        return trials.best_rate(name, self._settings.rates, trial, seconds)

    def run(
        self, name: str, rate: float, seed: int, seconds: float, judges: int = HELD_OUT_SEED
    ) -> Ended:
        """Trains a fresh network by the clock, tracing counted, and judges it."""
        keras.utils.clear_session()  # which forgets the policy, too
        keras.config.set_dtype_policy(self._settings.dtype_policy)
        keras.utils.set_random_seed(seed)
        sizes, telescoping = self._ways[name]
        data = keras_ms.MultiscaleDataset(
            self._train,
            levels=sizes,
            steps_per_epoch=STEPS_PER_EPOCH,
            telescoping=telescoping,
            seed=seed,
            **self._example.options,
        )
        model = keras_ms.MultiscaleModel.from_model(self._example.network())
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss, metrics=[self._example.metric()])
        clock = TrainingClock()
        decay = keras.optimizers.schedules.CosineDecay(rate, 1.0, alpha=SMALLEST_RATE)
        pace = ByTheClock(clock, seconds, (1.0,) * len(sizes), decay)
        epochs = keras_ms.AdaptiveSchedule.epochs  # more than any budget lasts
        model.fit(data, epochs=epochs, callbacks=[clock, pace], verbose=0)
        x, y = self._judges[judges]
        found = model.evaluate(x, y, batch_size=sizes[0], verbose=0, return_dict=True)
        print(f"{name}, rate {rate:g}, seed {seed}: {found['quality']:.3f}", flush=True)
        return Ended(found["loss"], found["quality"], tuple(pace.steps))


def _row(problem: str, name: str, rate: float, ends: list[Ended]) -> Row:
    steps: Any = np.median([end.steps for end in ends], axis=0).astype(int)
    return {
        "problem": problem,
        "name": name,
        "chosen_rate": rate,
        "stage_steps": tuple(int(count) for count in steps),
        "losses": spread([end.loss for end in ends]),
        "quality": spread([end.quality for end in ends]),
    }
