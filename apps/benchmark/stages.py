"""What it takes to start a stage: tracing and compiling, and all else."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np

import keras_ms

from ..experiment import building
from .settings import BenchmarkSettings
from .steps import Row, make_model


class _StepTimes(keras.callbacks.Callback):
    """Notes the stage of every step, and when it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.ends: list[tuple[int, float]] = []
        self.begin = 0.0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.begin = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.ends.append((int((logs or {})["stage"]), time.perf_counter()))


def starts(settings: BenchmarkSettings, images: list[Any]) -> list[Row]:
    """A Full-Multiscale run, twice: the second time no step is traced or compiled.

    Returns:
        One row per stage: steps, seconds of a step, seconds that its first step took longer in the
        first run, and in the second, which is also given as a share of the run's steps.
    """
    dataset = building.make_dataset(settings, images, settings.stage_steps // 2)
    iterations = [settings.stage_steps * 2**level for level in range(dataset.levels.num_levels)]
    model = make_model(settings)
    first, second = (_times(model, dataset, iterations) for _ in range(2))
    stages = sorted(second)
    whole = sum(float(np.median(second[stage])) * len(second[stage]) for stage in stages)
    return [
        {
            "stage": f"{dataset.mesh_sizes[len(stages) - stage][0]} px",
            "steps": len(second[stage]),
            "step": float(np.median(second[stage])),
            "first_start": _extra(first[stage]),
            "later_start": _extra(second[stage]),
            "share_of_run": _extra(second[stage]) / whole,
        }
        for stage in stages
    ]


def _times(
    model: keras_ms.MultiscaleModel, dataset: keras_ms.MultiscaleDataset, iterations: list[int]
) -> dict[int, np.ndarray]:
    schedule = keras_ms.FullMultiscaleSchedule(iterations, dataset.steps_per_epoch, verbose=False)
    times = _StepTimes()
    model.fit(dataset, epochs=schedule.epochs, callbacks=[schedule, times], verbose=0)
    stages, ends = np.array(times.ends).T
    taken = np.diff(ends, prepend=times.begin)
    return {int(stage): taken[stages == stage] for stage in np.unique(stages)}


def _extra(times: np.ndarray) -> float:
    """What the first step of a stage took longer than the median one."""
    return max(float(times[0] - np.median(times)), 0.0)
