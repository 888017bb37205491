"""Training by AdaptiveSchedule, which goes on to the next finer level by itself."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.training.run_state import steps_of

from ..experiment import auto_levels, building
from ..experiment.outcome import Outcome
from ..experiment.recording import TrainingClock
from ..experiment.settings import Settings
from . import paced
from .strategy import Strategy, check_stages, on_all_levels, refuse_auto_levels

NAMES = {"adaptive": "Adaptive"}
STEPS_PER_EPOCH = 25


class Adaptive(Strategy):
    """Coarse to fine by budget and validation; as much work as full-multiscale if none is given.

    Leaves its decisions in decisions.json.
    """

    label = "adaptive"

    def check(self, settings: Settings) -> None:
        """The levels are given, and iterations that could be a budget."""
        check_stages(settings, self)
        refuse_auto_levels(settings, self, "decides batch sizes by itself")

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """The levels asked for."""
        return {**super().data_options(settings), **on_all_levels(settings)}

    def train(
        self,
        settings: Settings,
        images: Iterable[np.ndarray],
        validation: tf.data.Dataset,
        output: pathlib.Path | None = None,
    ) -> Outcome:
        """Trains a fresh network within the budget; see `Strategy.train`."""
        model = building.make_model(settings, settings.learning_rate)
        options = self.data_options(settings)
        dataset = building.make_dataset(settings, images, STEPS_PER_EPOCH, **options)
        dataset, seconds = auto_levels.decided(settings, dataset, self.saving)
        schedule = _schedule(settings, dataset, output, seconds)
        clock = TrainingClock(seconds)
        curve = paced.fit(model, dataset, schedule, clock, settings, validation, saving=self.saving)
        for decision in changes(schedule.decisions):
            print(_told(decision))
        steps = (steps_of(model),)
        sizes = tuple(schedule.decisions[-1].batch_sizes)
        return Outcome(self.name, self.label, model, curve, steps, sizes)


def changes(decisions: Sequence[Any]) -> list[Any]:
    """Decisions that change what is trained on: one to stay as it is tells nothing."""
    before = [None, *(decision.stage for decision in decisions)]
    pairs = zip(decisions, before, strict=False)
    return [decision for decision, stage in pairs if decision.stage != stage]


def _schedule(
    settings: Settings,
    dataset: keras_ms.MultiscaleDataset,
    output: pathlib.Path | None,
    seconds: float,
) -> keras_ms.AdaptiveSchedule:
    work_units = settings.work_units
    if settings.seconds is None and work_units is None:
        work_units = dataset.levels.full_multiscale_work_units(settings.stage_iterations)
    rate = building.decayed(settings, 1.0)
    left = None if settings.seconds is None else max(settings.seconds - seconds, 1e-3)
    return keras_ms.AdaptiveSchedule(
        left,
        work_units,
        rate if callable(rate) else None,
        journal=None if output is None else output / "decisions.json",
    )


def _told(decision: Any) -> str:
    sizes = ", ".join(str(size) for size in decision.batch_sizes)
    return (
        f"After {decision.work_units:,.0f} work units, {decision.seconds:.1f} s: level "
        f"{decision.finest}, batches of {sizes}; {decision.reason}"
    )
