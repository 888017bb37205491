"""What several steps in one execution save of a `fit`, level by level."""

from __future__ import annotations

import time
from typing import Any

import keras
import numpy as np

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training.pace import TRIALS

from ..experiment import building
from .report import Row
from .settings import BenchmarkSettings
from .steps import make_model

STEPS = 48
"""Steps of an epoch, which many numbers divide."""


class _OnOneLevel(keras.callbacks.Callback):
    """Trains on plain batches of one level, and notes the seconds of a step in every epoch."""

    def __init__(self, level: int, size: int) -> None:
        super().__init__()
        self._stage = Stage(level, (size,))
        self._begin = 0.0
        self.seconds: list[float] = []
        self.at_once = 1

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.model.fit_run.follow(lambda epoch: self._stage)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        run = self.model.fit_run
        self.seconds.append((time.perf_counter() - self._begin) / run.dataset.steps_per_epoch)
        self.at_once = run.steps_done(0)


def gains(settings: BenchmarkSettings, images: list[Any], steps: int = STEPS) -> list[Row]:
    """Steps of `fit` one by one, and as many at once as it chooses, pipelines included.

    Returns:
        One row per level: mesh, batch, seconds of a step either way, steps at once, and the share
        that is saved.
    """
    dataset = building.make_dataset(settings, images, steps)
    model = make_model(settings)
    rows = []
    for level, size in enumerate(dataset.levels.batch_sizes):
        single, several = (
            _fitted(model, dataset, _OnOneLevel(level, size), settings.rounds, group)
            for group in (False, True)
        )
        taken = [float(np.median(c.seconds[-settings.rounds :])) for c in (single, several)]
        rows.append(
            {
                "mesh": dataset.mesh_sizes[level][0],
                "batch": size,
                "seconds": taken[0],
                "at_once": several.at_once,
                "grouped": taken[1],
                "saved": 1.0 - taken[1] / taken[0],
            }
        )
    return rows


def _fitted(
    model: keras_ms.MultiscaleModel,
    dataset: keras_ms.MultiscaleDataset,
    on_level: _OnOneLevel,
    rounds: int,
    group: bool,
) -> _OnOneLevel:
    epochs = 1 + TRIALS + rounds
    options: dict[str, Any] = {"verbose": 0, "rehearse": False, "group_steps": group}
    model.fit(dataset, epochs=epochs, callbacks=[on_level], **options)
    return on_level
