"""How many steps of each stage fit a budget, and when to validate."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

import keras_ms
from keras_ms.training.fit_run import FitRun
from keras_ms.training.pace import LONGEST
from keras_ms.training.several_steps import pace_for

from .settings import Settings

EPOCHS_OF_SHORTEST_STAGE = 4
TIMED_STEPS = 6  # of each stage, one at a time
MOST_AT_ONCE = 24
USED_SHARE = 0.97  # of the seconds, so that the learning rate reaches its end before time is up


Timings = dict[Any, tuple[list[float], list[float]]]


@dataclasses.dataclass(frozen=True)
class Plan:
    """Steps per stage, finest first, cut into epochs, and the epochs to validate after."""

    iterations: tuple[int, ...]
    steps_per_epoch: int
    validation_epochs: list[int]

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        return sum(self.iterations) // self.steps_per_epoch


class BudgetError(ValueError):
    """A budget that does not pay for one step of every stage."""


def make_plan(
    settings: Settings,
    wanted: Sequence[int],
    dataset: keras_ms.MultiscaleDataset,
    new_model: Callable[[], keras_ms.MultiscaleModel],
    seconds: float | None = None,
    timings: Timings | None = None,
) -> Plan:
    """Plans a run: the iterations asked for, or their proportions stretched to the budget.

    Args:
        settings: The settings.
        wanted: Steps of the stage with each finest level, finest first.
        dataset: The data.
        new_model: Makes a network to time steps on; its weights are thrown away.
        seconds: What is left of the seconds. Defaults to all of `settings.seconds`.
        timings: What was timed before in this process; grows.

    Returns:
        A `Plan`.

    Raises:
        BudgetError: If the budget does not pay for one step of every stage.
    """
    costs = [dataset.work_units(stage) for stage in range(len(wanted))]
    iterations = tuple(wanted)
    if settings.seconds is not None:
        starts, costs = _timed(dataset, len(wanted), new_model, {} if timings is None else timings)
        left = settings.seconds if seconds is None else seconds
        available = left * USED_SHARE - sum(starts)
        name = f"--seconds={settings.seconds:g}"
        iterations = stretched(wanted, costs, available, name, "seconds")
    elif settings.work_units is not None:
        name = f"--work_units={settings.work_units:g}"
        iterations = stretched(wanted, costs, settings.work_units, name, "work units")
    return cut_into_epochs(iterations, costs, settings.validations)


def _timed(
    dataset: keras_ms.MultiscaleDataset,
    stages: int,
    new_model: Callable[[], keras_ms.MultiscaleModel],
    timings: Timings,
) -> tuple[list[float], list[float]]:
    sizes = tuple(dataset.batch_sizes(stage) for stage in range(stages))
    if sizes not in timings:
        print("Timing the steps ...", flush=True)
        timings[sizes] = measure_steps(new_model(), dataset, range(stages))
    return timings[sizes]


def stretched(
    proportions: Sequence[int], costs: Sequence[float], budget: float, name: str, unit: str
) -> tuple[int, ...]:
    """Steps per stage in given proportions that cost at most `budget` together.

    Args:
        proportions: Relative numbers of steps, finest first.
        costs: Cost of one step of each stage, in the unit of the budget.
        budget: What may be spent.
        name: The budget as the user gave it, for the error.
        unit: The unit of the budget, likewise.

    Returns:
        Steps per stage, at least one where the proportion is positive.

    Raises:
        BudgetError: If the budget is less than one step of every stage.
    """
    least = sum(cost for cost, n in zip(costs, proportions, strict=True) if n)
    whole = sum(n * cost for n, cost in zip(proportions, costs, strict=True))
    if budget < least:
        raise BudgetError(
            f"The budget does not pay for one step of every stage, which takes {least:.3g} {unit}. "
            f"Received: {name}, of which {max(budget, 0.0):.3g} {unit} are left after starting up. "
            f"Give more {unit}, or fewer levels."
        )
    return tuple(max(1, int(n * budget / whole)) if n else 0 for n in proportions)


def cut_into_epochs(iterations: Sequence[int], costs: Sequence[float], validations: int) -> Plan:
    """Rounds steps down to whole epochs and spreads the validations evenly over the cost.

    The shortest stage gets a few epochs, so that even it is validated more than once.
    """
    shortest = min(n for n in iterations if n)
    steps = max(1, min(shortest // EPOCHS_OF_SHORTEST_STAGE, sum(iterations) // validations))
    steps -= steps % 4 if steps > 8 else 0  # several steps in one execution divide an epoch
    rounded = tuple(n - n % steps for n in iterations)
    per_epoch = [
        cost
        for n, cost in reversed(list(zip(rounded, costs, strict=True)))
        for _ in range(n // steps)
    ]
    spent = np.cumsum(per_epoch) / np.sum(per_epoch)
    marks = np.linspace(0.0, 1.0, validations + 1)[1:]
    after = np.minimum(np.searchsorted(spent, marks - 1e-9), len(spent) - 1) + 1
    return Plan(rounded, steps, sorted({int(epoch) for epoch in after}))


def measure_steps(
    model: keras.Model, dataset: keras_ms.MultiscaleDataset, stages: Sequence[int]
) -> tuple[list[float], list[float]]:
    """Seconds to start each stage (trace, compile, first step) and of one step after that.

    The latter is the faster of single steps and several in one execution, as `fit` has it.
    """
    starts, steps = [], []
    model.make_train_function()
    with FitRun(model, dataset) as run:
        run.pace = pace_for(model, run, ())
        for stage in stages:
            iterator = run.iterator_from(run.stage_from(stage), 0)
            first, *times = (_seconds(model, run, iterator, 1) for _ in range(TIMED_STEPS + 1))
            single = float(np.median(times))
            several = min(MOST_AT_ONCE, int(LONGEST / single)) if run.pace else 1
            at_once = _seconds(model, run, iterator, several) if several > 1 else single
            steps.append(min(single, at_once))
            starts.append(max(first - single, 0.0))
    return starts, steps


def _seconds(model: keras.Model, run: FitRun, iterator: Any, count: int) -> float:
    """Seconds per step of an execution of so many."""
    if run.pace is not None:
        run.pace.count.value = count
    begin = time.perf_counter()
    keras.tree.map_structure(float, model.train_function(iterator))
    return (time.perf_counter() - begin) / count
