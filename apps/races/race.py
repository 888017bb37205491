"""Races to a quality: every strategy with its best learning rate, in the least budget that does."""

from __future__ import annotations

import functools
import json
import pathlib
from typing import Any

import numpy as np

from ..experiment import building, precision, presets
from ..experiment.options import replaced
from ..experiment.recording import Point, crossing
from ..experiment.settings import Settings
from . import running, trials
from .contestants import CONTESTANTS, REFERENCE
from .on_file import kept
from .settings import RaceOptions, refuse_negative_losses
from .trials import PATIENT

TRIAL_SEEDS = (100, 101, 102, 103)
LEAP = 2.0  # most that a budget grows at once


class Race:
    """All runs on one task and network.

    Args:
        settings: The settings.
        task: Name of the task.
        network: Name of the network.
        output: Folder for the runs.
    """

    def __init__(self, settings: RaceOptions, task: str, network: str, output: str) -> None:
        self._settings, self._problem = settings, (task, network)
        self._folder = pathlib.Path(output) / f"{task}-{network}"
        self._folder.mkdir(parents=True, exist_ok=True)
        plain = settings_of(settings, self._problem, REFERENCE)
        self._images = building.images_in_memory(plain, "train")
        self._settings = replaced(settings, dtype_policy=self._set_policy(plain))
        held_out = building.load_images(plain, "validation")
        self._validation = building.make_validation(plain, held_out)

    def _set_policy(self, plain: Settings) -> str:
        """Sets the dtype policy; `auto` is that of the runs on file, which fit no other."""
        if plain.dtype_policy == precision.AUTO and (runs := sorted(self._folder.glob("*.json"))):
            made_with = json.loads(runs[0].read_text())["settings"]
            plain = replaced(plain, dtype_policy=made_with["dtype_policy"])
        return precision.set_policy(plain)

    def best_rate(self, name: str) -> float:
        """The learning rate whose trials end lowest, in the mean of the logarithm of the loss.

        Raises:
            ValueError: If not even a longer trial pays for starting up.
        """
        # Steps of the reference are dearer.
        patience = (PATIENT,) if name == REFERENCE else (1.0, PATIENT)
        tried, seconds = functools.partial(self._trial, name), self._settings.trial_seconds
        return trials.best_rate(name, self._settings.rates, tried, seconds, patience)

    def _trial(self, name: str, rate: float, seconds: float) -> float:
        ends = [self.run(name, seed, rate, seconds)[-1].loss for seed in TRIAL_SEEDS]
        return float(np.mean(np.log(ends)))

    def reference(self) -> Point:
        """Where plain training ends: means over the seeds. Of a given target, only the loss."""
        if self._settings.target is not None:
            return Point(float("nan"), float("nan"), self._settings.target)
        rate, seconds = self.best_rate(REFERENCE), self._settings.reference_seconds
        runs = [self.run(REFERENCE, seed, rate, seconds) for seed in self._settings.seeds]
        return Point(*np.mean([points[-1] for points in runs], axis=0).tolist())

    def reached(self, name: str, target: float) -> list[Point | None]:
        """For each seed, what had been spent when the target was reached; `None` if it was not.

        Budgets are tried from the least on. Those are passed over that the loss would have to
        fall faster for than inversely to the time since the first validation, up to twice a
        budget.
        """
        rate, budgets = self.best_rate(name), sorted(self._settings.budgets)
        if name == REFERENCE:  # has had its time
            budgets = [self._settings.reference_seconds]
        return [self._least(name, seed, rate, budgets, target) for seed in self._settings.seeds]

    def _least(
        self, name: str, seed: int, rate: float, budgets: list[float], target: float
    ) -> Point | None:
        least = 0.0
        for budget in budgets:
            if budget < least and budget != budgets[-1]:
                continue
            points = self.run(name, seed, rate, budget)
            if point := crossing(points, target):
                return point
            ratio, begun = points[-1].loss / target, min(points[0].seconds, budget)
            # Infinite if the run could not even start up.
            least = begun + (budget - begun) * ratio if np.isfinite(ratio) else budget
            least = min(least, LEAP * budget)
        return None

    def run(self, name: str, seed: int, rate: float, seconds: float) -> list[Point]:
        """One training run, or what is on file of it.

        Raises:
            ValueError: If what is on file was made with other settings.
        """
        settings = settings_of(
            self._settings, self._problem, name, seed=seed, learning_rate=rate, seconds=seconds
        )
        path = self._folder / f"{name}-{seed}-{rate:g}-{seconds:g}.json"

        def train() -> dict[str, Any]:
            return {"points": [point._asdict() for point in self._trained(settings)]}

        content = kept(path, settings, train, lambda made: f"{made['points'][-1]['loss']:.4f}")
        return [Point(**entry) for entry in content["points"]]

    def _trained(self, settings: Settings) -> list[Point]:
        outcome = running.outcome_of(settings, self._images, self._validation)
        if outcome is None:
            return [Point(settings.seconds or 0.0, 0.0, float("inf"))]
        return outcome.curve.points


def settings_of(
    options: RaceOptions, problem: tuple[str, str], name: str, **special: Any
) -> Settings:
    """What `apps.train` would be told for one run.

    Args:
        options: Of the race.
        problem: Task and network.
        name: The contestant, one of `CONTESTANTS`.
        **special: Seed, learning rate and budget of the run.
    """
    special = {**CONTESTANTS[name], "validations": options.validations, **special}
    return presets.row(options, Settings, *problem, **special)


def check(options: RaceOptions, task: str, network: str) -> None:
    """Raises `ValueError` if a run would be refused, before the first one is made."""
    for name in options.strategies:
        made = settings_of(options, (task, network), name, seconds=options.budgets[0])
        refuse_negative_losses(made)
        running.check(made)
