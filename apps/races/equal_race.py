"""Races for equal budgets: contestants choose their rate by trials, and every run is on file."""

from __future__ import annotations

import abc
import functools
import math
import pathlib
import time
from typing import Any

import keras

from ..experiment.settings import Settings
from . import running, trials
from .equal_settings import EqualOptions
from .held_out import Data, data_of
from .on_file import kept
from .progress import Progress

TRIAL_SEED = 100


class EqualRace(abc.ABC):
    """All runs on one problem.

    Args:
        options: The settings.
        folder: Where its runs are kept.
        progress: Says how far all races are.
    """

    def __init__(self, options: EqualOptions, folder: pathlib.Path, progress: Progress) -> None:
        self._rules, self._folder, self._progress = options, folder, progress
        self._folder.mkdir(parents=True, exist_ok=True)

    @abc.abstractmethod
    def settings_of(
        self, name: str | None, trial_seconds: float | None = None, **special: Any
    ) -> Settings:
        """What `apps.train` would be told for one run.

        Args:
            name: The contestant; `None` for what is common to all.
            trial_seconds: Length of a trial; `None` for a run of the race.
            **special: Seed, learning rate and the like.
        """

    @abc.abstractmethod
    def judged(self, model: keras.Model, path: pathlib.Path) -> dict[str, Any]:
        """What to keep of a trained model, judged by all that is held out.

        Args:
            model: The model.
            path: The JSON file of its run, for files beside it.
        """

    @abc.abstractmethod
    def told(self, content: dict[str, Any]) -> str:
        """What to print of a run that started."""

    def best_rate(self, name: str) -> float:
        """The learning rate of a contestant whose trial ends with the least loss.

        Raises:
            ValueError: If not even longer trials pay for starting up.
        """
        rules = self._rules
        tried = functools.partial(self._trial, name)
        return trials.best_rate(name, rules.rates, tried, rules.trial_seconds)

    def _trial(self, name: str, rate: float, seconds: float) -> float:
        settings = self.settings_of(name, seconds, seed=TRIAL_SEED, learning_rate=rate)
        points = self.run(name, settings, seconds, f"trial-{seconds:g}", trial=True)["points"]
        return points[-1]["loss"] if points else math.inf

    def run(
        self, name: str, settings: Settings, budget: float, kind: str = "run", trial: bool = False
    ) -> dict[str, Any]:
        """One run, or what is on file of it.

        Args:
            name: The contestant.
            settings: Of the run.
            budget: Its seconds, for the progress.
            kind: A part of the name of its file.
            trial: Whether it is a trial, which is judged by the curve alone.

        Raises:
            ValueError: If what is on file was made with other settings.
        """
        path, begun = self.path(name, settings, kind), time.monotonic()
        if path.exists():
            self._progress.found(budget)

        def made() -> dict[str, Any]:
            content, model = self._trained(name, settings, trial)
            return content if trial or model is None else content | self.judged(model, path)

        def told(content: dict[str, Any]) -> str:
            self._progress.made(budget, time.monotonic() - begun)
            text = self.told(content) if content["points"] else "did not start"
            return f"{text}; {self._progress}"

        return kept(path, settings, made, told)

    def path(self, name: str, settings: Settings, kind: str = "run") -> pathlib.Path:
        """The JSON file of a run."""
        return self._folder / f"{name}-{kind}-{settings.seed}-{settings.learning_rate:g}.json"

    def _trained(
        self, name: str, settings: Settings, trial: bool
    ) -> tuple[dict[str, Any], keras.Model | None]:
        data = self.trial_data if trial else self.data
        outcome = running.outcome_of(settings, data.train, data.curve)
        share = running.share_of_mesh(settings.image_size, self.settings_of(None).image_size)
        return running.recorded(outcome, share), None if outcome is None else outcome.model

    @functools.cached_property
    def data(self) -> Data:
        """What runs train on, and what judges them."""
        return data_of(self.settings_of(None), self._rules.curve_pairs)

    @functools.cached_property
    def trial_data(self) -> Data:
        """The same for trials, which see nothing of what judges runs."""
        of_trial = self.settings_of(None, self._rules.trial_seconds)
        return data_of(of_trial, self._rules.curve_pairs, trial=True)
