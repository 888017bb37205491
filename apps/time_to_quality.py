"""Seconds until every strategy is as good as plain training is after some minutes.

    python -m apps.time_to_quality --dataset=folder --data_dir=BSDS500/train       # hours
    python -m apps.time_to_quality --tasks=denoising --networks=resnet --seeds=0 \
        --reference_seconds=20 --trial_seconds=3 --budgets=5,10 --rates=3e-3       # minutes

For every task and network: (1) each strategy tries every learning rate of --rates for
--trial_seconds (single_scale for three times as long) with four seeds of their own; (2)
single_scale trains for --reference_seconds with each of --seeds, and the mean of the validation
losses it ends with is the target; (3) each strategy trains within the least of --budgets whose run
ends at the target or below, and the time from which on it stays there counts. Leaves in --output a
JSON file per run, which a second run reads instead of training again, and the table and the plot,
time_to_quality.md and .png.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import pathlib
from typing import Any

import keras
import numpy as np

import keras_ms
from apps import experiment, flags, precision, presets
from apps.contestants import CONTESTANTS, REFERENCE
from apps.problem import Problem, check_counts, check_positive, option, shared_options
from apps.race_plot import Result, save_plot
from apps.race_table import as_table
from apps.recording import Point, crossing
from apps.settings import Settings

TRIAL_SEEDS = (100, 101, 102, 103)
LEAP = 2.0  # most that a budget grows at once
PATIENT = 3.0  # times as long are the trials of the reference, whose steps are dearer


@dataclasses.dataclass(frozen=True)
class RaceSettings(Problem):
    """Options of `apps.time_to_quality`, one flag each."""

    tasks: tuple[str, ...] = option(("denoising", "deblurring"), "Tasks.")
    networks: tuple[str, ...] = option(("resnet", "unet"), "Networks.")
    strategies: tuple[str, ...] = option(tuple(CONTESTANTS), "Strategies to compare.")
    seeds: tuple[int, ...] = option((0, 1, 2), "Seeds.")
    rates: tuple[float, ...] = option((1e-3, 3e-3, 1e-2), "Learning rates to choose from.")
    trial_seconds: float = option(20.0, "Training time of a trial of a learning rate.")
    reference_seconds: float = option(300.0, "Training time of single_scale that sets the target.")
    budgets: tuple[float, ...] = option(
        (8.0, 10.0, 12.0, 15.0, 18.0, 22.0, 27.0, 33.0, 40.0, 50.0, 65.0, 85.0, 120.0),
        "Training times to reach it in, ascending.",
    )
    validations: int = option(20, "Validations of a run.")
    output: str = option("time_to_quality", "Folder for the runs and the table.")

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "validations")
        check_positive(self, "trial_seconds", "reference_seconds")
        unknown = [name for name in self.strategies if name not in CONTESTANTS]
        if unknown:
            raise ValueError(
                f"--strategies are some of {', '.join(CONTESTANTS)}. "
                f"Received: {', '.join(unknown)}."
            )
        positive = all(value > 0.0 for value in (*self.rates, *self.budgets))
        if not (self.seeds and self.rates and self.budgets and positive):
            raise ValueError(
                "--seeds, --rates and --budgets are not empty, rates and budgets positive. "
                f"Received: {self.seeds}, {self.rates}, {self.budgets}."
            )


class Race:
    """All runs on one task and network.

    Args:
        settings: The settings.
        task: Name of the task.
        network: Name of the network.
    """

    def __init__(self, settings: RaceSettings, task: str, network: str) -> None:
        self._settings, self._problem = settings, (task, network)
        self._folder = pathlib.Path(settings.output) / f"{task}-{network}"
        self._folder.mkdir(parents=True, exist_ok=True)
        plain = settings_of(settings, self._problem, REFERENCE, 0, 1.0, 1.0)
        self._images = list(experiment.load_images(plain, "train"))
        chosen = precision.set_policy(plain, self._images)
        self._settings = dataclasses.replace(settings, dtype_policy=chosen)
        held_out = experiment.load_images(plain, "validation")
        self._validation = experiment.make_validation(plain, held_out)
        self._timings: dict[Any, Any] = {}

    def best_rate(self, name: str) -> float:
        """The learning rate whose trials end lowest, in the mean of the logarithm of the loss.

        Raises:
            ValueError: If not even a longer trial pays for starting up.
        """
        if len(self._settings.rates) == 1:
            return self._settings.rates[0]
        for patience in (PATIENT,) if name == REFERENCE else (1.0, PATIENT):
            seconds = self._settings.trial_seconds * patience
            found = {rate: self._trial(name, rate, seconds) for rate in self._settings.rates}
            if np.isfinite(list(found.values())).any():
                return min(found, key=found.__getitem__)
        raise ValueError(
            f"No trial of {name} came to an end. Received: --trial_seconds="
            f"{self._settings.trial_seconds:g}, which does not pay for starting up. Give more."
        )

    def _trial(self, name: str, rate: float, seconds: float) -> float:
        ends = [self.run(name, seed, rate, seconds)[-1].loss for seed in TRIAL_SEEDS]
        return float(np.mean(np.log(ends)))

    def reference(self) -> Point:
        """Where plain training ends: means over the seeds."""
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
        settings = self._settings_of(name, seed, rate, seconds)
        made_with = json.loads(json.dumps(dataclasses.asdict(settings)))
        path = self._folder / f"{name}-{seed}-{rate:g}-{seconds:g}.json"
        if not path.exists():
            with path.with_suffix(".log").open("w") as log, contextlib.redirect_stdout(log):
                points = self._trained(settings)
            print(f"{path.parent.name}, {path.stem}: {points[-1].loss:.4f}", flush=True)
            content = {"settings": made_with, "points": [point._asdict() for point in points]}
            unfinished = path.with_suffix(".part")
            unfinished.write_text(json.dumps(content, indent=1) + "\n")
            unfinished.replace(path)
        content = json.loads(path.read_text())
        if content["settings"] != made_with:
            raise ValueError(
                f"--output holds runs with other settings. Received: {path}. Take another folder."
            )
        return [Point(**entry) for entry in content["points"]]

    def _trained(self, settings: Settings) -> list[Point]:
        keras.utils.clear_session()  # which forgets the policy, too
        keras.config.set_dtype_policy(settings.dtype_policy)
        try:
            curve = experiment.train(
                settings, settings.strategy, self._images, self._validation, None, self._timings
            ).curve
        except ValueError as error:
            if "does not pay" not in str(error):
                raise
            print(error)
            return [Point(settings.seconds or 0.0, 0.0, float("inf"))]
        return curve.points

    def _settings_of(self, name: str, seed: int, rate: float, seconds: float) -> Settings:
        return settings_of(self._settings, self._problem, name, seed, rate, seconds)


def settings_of(
    race: RaceSettings, problem: tuple[str, str], name: str, seed: int, rate: float, seconds: float
) -> Settings:
    """What `apps.train` would be told for one run."""
    row = presets.with_row(*shared_options(race), *problem)
    special = {"seed": seed, "learning_rate": rate, "seconds": seconds}
    special["validations"] = race.validations
    return Settings(**{**row, **CONTESTANTS[name], **special})


def check(race: RaceSettings, task: str, network: str) -> None:
    """Raises `ValueError` if a run would be refused, before the first one is made."""
    known = {"--tasks": keras_ms.tasks.names(), "--networks": keras_ms.networks.names()}
    for (flag, names), value in zip(known.items(), (task, network), strict=True):
        if value not in names:
            raise ValueError(f"{flag} are some of {', '.join(names)}. Received: {value}.")
    for name in race.strategies:
        made = settings_of(race, (task, network), name, 0, race.rates[0], race.budgets[0])
        experiment.make_dataset(made, [np.zeros((race.image_size,) * 2 + (3,), "uint8")])


def run(settings: RaceSettings) -> str:
    """Runs all races; writes the table and the plot.

    Returns:
        The table, in Markdown.
    """
    problems = list(itertools.product(settings.tasks, settings.networks))
    for problem in problems:
        check(settings, *problem)
    lines: list[str] = []
    plotted: dict[str, Result] = {}
    for task, network in problems:
        race = Race(settings, task, network)
        reference = race.reference()
        results = {name: race.reached(name, reference.loss) for name in settings.strategies}
        rates = {name: race.best_rate(name) for name in settings.strategies}
        lines.append(as_table(f"{task}, {network}", reference, results, rates))
        print(f"\n{lines[-1]}", flush=True)
        plotted[f"{task}, {network}"] = Result(reference, results)
        pathlib.Path(settings.output, "time_to_quality.md").write_text("\n".join(lines))
        save_plot(plotted, pathlib.Path(settings.output, "time_to_quality.png"))
    return "\n".join(lines)


if __name__ == "__main__":
    flags.start("time_to_quality", RaceSettings, run)
