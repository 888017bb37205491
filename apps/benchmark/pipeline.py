"""What the input pipeline adds to a step, on every stage."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_ms.data import MultiscaleDataset
from keras_ms.levels import Stage
from keras_ms.training.fit_run import FitRun

from ..experiment import building
from ..experiment.timing import Step, kept_in_memory, training_step
from .settings import BenchmarkSettings
from .steps import Row, make_model

BUFFERED = 8  # steps at the start of a turn that live on, or make good, what the other let wait
STEPS = 8  # the least that are timed in a turn


def share(settings: BenchmarkSettings, images: list[Any]) -> list[Row]:
    """Steps fed by the pipeline beside the same steps on batches that are in memory.

    Both take turns, each on an iterator that lives through all of them.

    Returns:
        One row per stage, telescoping and plain: seconds of both, and what the pipeline adds as a
        share of the step from memory, the median over the turns with its standard error.
    """
    return of_dataset(settings, building.make_dataset(settings, images), make_model(settings))


def of_dataset(settings: BenchmarkSettings, dataset: MultiscaleDataset, model: Any) -> list[Row]:
    """`share` of any dataset, and a compiled model."""
    with FitRun(model, dataset) as run:
        return [
            _row(settings, dataset, run, model, stage)
            for stage in itertools.chain.from_iterable(_stages(dataset))
        ]


def _stages(dataset: MultiscaleDataset) -> Iterator[tuple[Stage, ...]]:
    for level, size in enumerate(dataset.levels.batch_sizes):
        plain, telescoping = Stage(level, (size,)), Stage(level, dataset.batch_sizes(level))
        yield (plain,) if plain == telescoping else (telescoping, plain)


def _row(
    settings: BenchmarkSettings, dataset: MultiscaleDataset, run: FitRun, model: Any, stage: Stage
) -> Row:
    stream = run.streams.of(stage, 0)
    both = [training_step(model, batches) for batches in (iter(stream), kept_in_memory(stream))]
    times = np.array(
        [
            [_seconds(step, settings.seconds_per_round) for step in both]
            for _ in range(settings.rounds)
        ]
    )
    fed, in_memory = np.median(times, axis=0).tolist()
    return {
        "stage": f"{_mesh(dataset.mesh_sizes[stage.finest])} px",
        "batches": stage.batch_sizes,
        "in_memory": in_memory,
        "fed": fed,
        **added(times[:, 0] / times[:, 1]),
    }


def _mesh(sides: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in (sides if len(set(sides)) > 1 else sides[:1]))


def added(ratios: np.ndarray) -> Row:
    """What steps take more than others, as the median over the turns, and its standard error."""
    # The median of n normal numbers has sqrt(pi / 2) times the standard error of their mean.
    rounds = len(ratios)
    error = math.sqrt(0.5 * math.pi / rounds) * np.std(ratios, ddof=1) if rounds > 1 else math.nan
    return {"added": float(np.median(ratios)) - 1.0, "added_error": float(error)}


def _seconds(step: Step, least: float) -> float:
    for _ in range(BUFFERED):
        step()
    count, begin = 0, time.perf_counter()
    while count < STEPS or time.perf_counter() - begin < least:
        step()
        count += 1
    return (time.perf_counter() - begin) / count
