"""Races on masks: every contestant with its best learning rate, for equal seconds."""

from __future__ import annotations

import functools
import math
import pathlib
import time
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from .. import strategies
from ..experiment import building
from ..experiment.budget import BudgetError
from ..experiment.settings import Settings
from ..races.on_file import kept
from . import judging
from .progress import Progress
from .runs import settings_of, share_of_mesh
from .settings import SegmentationSettings

TRIAL_SEED = 100
PATIENT = 3.0  # times as long are trials where none could start up


class Raced(NamedTuple):
    """What came of one contestant.

    Attributes:
        rate: The learning rate it chose.
        runs: What is on file of its runs, by seed.
        masks: What its first run makes of the pictures that are shown; empty if it did not start.
    """

    rate: float
    runs: list[dict[str, Any]]
    masks: list[np.ndarray]


class Data(NamedTuple):
    """Pairs to train on, some to validate on for curves, and all to judge by, and their number."""

    train: Any
    curve: tf.data.Dataset
    whole: tf.data.Dataset
    size: int


class Race:
    """All runs of one network.

    Args:
        options: The settings.
        network: Name of the network.
        progress: Says how far all races are.
    """

    def __init__(self, options: SegmentationSettings, network: str, progress: Progress) -> None:
        self._options, self._network, self._progress = options, network, progress
        self._folder = pathlib.Path(options.output) / network
        self._folder.mkdir(parents=True, exist_ok=True)

    def raced(self, name: str) -> Raced:
        """Has a contestant choose its rate and train with every seed."""
        rate = self.best_rate(name)
        runs = [self._run(name, seed, rate) for seed in self._options.seeds]
        masks = self._path(name, self._options.seeds[0], rate, "run").with_suffix(".npz")
        if not masks.is_file():
            return Raced(rate, runs, [])
        with np.load(masks) as found:
            return Raced(rate, runs, [found[key] for key in sorted(found, key=int)])

    def best_rate(self, name: str) -> float:
        """The learning rate whose trial ends with the least cross-entropy.

        Raises:
            ValueError: If not even longer trials pay for starting up.
        """
        rates = self._options.rates
        if len(rates) == 1:
            return rates[0]
        for patience in (1.0, PATIENT):
            seconds = patience * self._options.trial_seconds
            found = {rate: self._trial(name, rate, seconds) for rate in rates}
            if math.isfinite(min(found.values())):
                return min(found, key=found.__getitem__)
        raise ValueError(
            f"No trial of {name} came to an end. Received: --trial_seconds="
            f"{self._options.trial_seconds:g}, which does not pay for starting up. Give more."
        )

    def _trial(self, name: str, rate: float, seconds: float) -> float:
        settings = settings_of(
            self._options, self._network, name, seconds, seed=TRIAL_SEED, learning_rate=rate
        )
        path = self._path(name, TRIAL_SEED, rate, f"trial-{seconds:g}")
        content = self._kept(path, settings, seconds, lambda: self._tried(name, settings))
        loss = content["points"][-1]["loss"] if content["points"] else math.inf
        return loss if math.isfinite(loss) else math.inf

    def _run(self, name: str, seed: int, rate: float) -> dict[str, Any]:
        settings = settings_of(self._options, self._network, name, seed=seed, learning_rate=rate)
        path = self._path(name, seed, rate, "run")
        seconds = self._options.seconds
        return self._kept(path, settings, seconds, lambda: self._judged(name, settings, path))

    def _path(self, name: str, seed: int, rate: float, kind: str) -> pathlib.Path:
        return self._folder / f"{name}-{kind}-{seed}-{rate:g}.json"

    def _kept(
        self, path: pathlib.Path, settings: Settings, budget: float, train: Any
    ) -> dict[str, Any]:
        begun = time.monotonic()
        if path.exists():
            self._progress.found(budget)

        def told(content: dict[str, Any]) -> str:
            self._progress.made(budget, time.monotonic() - begun)
            return f"{_in_short(content)}; {self._progress}"

        return kept(path, settings, train, told)

    def _tried(self, name: str, settings: Settings) -> dict[str, Any]:
        return self._trained(name, settings, True)[0]

    def _judged(self, name: str, settings: Settings, path: pathlib.Path) -> dict[str, Any]:
        content, model = self._trained(name, settings, False)
        if model is None:
            return content
        pictures = [x for x, _ in self.shown]
        # Before the JSON file, which says that the run is whole.
        made: Any = judging.masks(model, pictures)
        np.savez_compressed(path.with_suffix(".npz"), **made)
        void, whole = self.pairs.void, self._data.whole
        return content | judging.judged(model, whole, self.pairs.num_classes, void)

    def _trained(
        self, name: str, settings: Settings, trial: bool
    ) -> tuple[dict[str, Any], keras.Model | None]:
        data = self._trial_data if trial else self._data
        keras.utils.clear_session()  # which forgets the policy, too
        keras.config.set_dtype_policy(settings.dtype_policy)
        try:
            outcome = strategies.get(settings.strategy).train(
                settings,
                data.train,
                data.curve,
            )
        except BudgetError as error:
            print(error)
            return {"points": []}, None
        share = share_of_mesh(self._options, settings.image_size)
        points = [
            {**point._asdict(), "work_units": share * point.work_units, **metrics}
            for point, metrics in zip(outcome.curve.points, outcome.curve.metrics, strict=True)
        ]
        steps = int(outcome.model.optimizer.iterations)
        content = {"points": points, "steps": steps, "planned": sum(outcome.iterations)}
        return content, outcome.model

    @property
    def pairs(self) -> Any:
        """The pairs to train on."""
        return self._data.train

    @functools.cached_property
    def shown(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The pictures whose masks are shown, and what is true of them."""
        return judging.shown(self._data.whole, self._data.size)

    @functools.cached_property
    def _data(self) -> Data:
        return data_of(self._options, self._network, trial=False)

    @functools.cached_property
    def _trial_data(self) -> Data:
        return data_of(self._options, self._network, trial=True)


def data_of(options: SegmentationSettings, network: str, trial: bool) -> Data:
    """Pairs for trials, or for the race itself."""
    seconds = options.trial_seconds if trial else None
    kind = building.kind_of(settings_of(options, network, options.contestants[0], seconds))
    held_out = kind.held_out()
    whole = kind.validation(held_out)
    every = max(1, round(len(held_out) / options.curve_pairs))
    # One by one, since pictures may differ in size.
    curve = whole.unbatch().shard(every, 0).batch(1).cache()
    curve = curve.apply(tf.data.experimental.assert_cardinality(sum(1 for _ in curve)))
    return Data(kind.load("train"), curve, whole, len(held_out))


def _in_short(content: dict[str, Any]) -> str:
    if not content["points"]:
        return "did not start"
    last = content["points"][-1]
    loss, iou = (content.get(key, last[of]) for key, of in SHORT)
    return f"cross-entropy {loss:.4f}, mean IoU {iou:.4f}"


SHORT = (("crossentropy", "loss"), ("mean_iou", "mean_iou"))


def check(options: SegmentationSettings) -> None:
    """Raises `ValueError` if a run would be refused, before the first one is made."""
    for network in options.networks:
        for name in options.contestants:
            for trial_seconds in (None, options.trial_seconds):
                settings = settings_of(options, network, name, trial_seconds)
                (strategy,) = strategies.chosen(settings)
                kind = building.kind_of(settings)
                kind.held_out()
                building.make_dataset(settings, kind.black(), **strategy.data_options(settings))
        building.make_network(settings)
    names, count = options.class_names, kind.load("train").num_classes
    if names and len(names) != count:
        raise ValueError(
            f"--class_names has one name per class. Received: {len(names)} names of {count} "
            "classes."
        )
