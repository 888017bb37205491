"""Strategies whose steps are planned before the first one is taken."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable

import keras
import numpy as np
import tensorflow as tf

import keras_ms

from ..experiment import auto_levels, budget, building
from ..experiment.outcome import Outcome
from ..experiment.recording import Curve, SecondsBudget, TrainingClock, verbosity
from ..experiment.settings import Settings
from .strategy import Strategy, more_callbacks


class Planned(Strategy):
    """As many steps as were asked for, or as the budget pays for; without stages."""

    def iterations(self, settings: Settings, num_levels: int) -> tuple[int, ...]:
        """Steps of every stage, finest first, in the proportions that a budget keeps."""
        return (max(settings.iterations),)

    def callbacks(self, plan: budget.Plan) -> list[keras.callbacks.Callback]:
        """Callbacks that make `fit` follow the plan."""
        return []

    def train(
        self,
        settings: Settings,
        images: Iterable[np.ndarray],
        validation: tf.data.Dataset,
        output: pathlib.Path | None = None,
        timings: budget.Timings | None = None,
    ) -> Outcome:
        """Trains a fresh network within the budget; see `Strategy.train`.

        Raises:
            BudgetError: If the budget does not pay for one step of every stage.
        """
        dataset = building.make_dataset(settings, images, **self.data_options(settings))
        dataset, seconds = auto_levels.decided(settings, dataset)
        clock = TrainingClock(seconds)
        curve = Curve(clock)
        plan = budget.make_plan(
            settings,
            self.iterations(settings, dataset.levels.num_levels),
            dataset,
            lambda: building.make_model(settings, building.decayed(settings, 1)),
            (settings.seconds or 0.0) - clock.seconds,
            timings,
        )
        model = building.make_model(settings, building.decayed(settings, sum(plan.iterations)))
        callbacks = [clock, curve, *more_callbacks(settings)]
        if settings.seconds is not None:
            callbacks.append(SecondsBudget(clock, settings.seconds))
        model.fit(
            dataset.replaced(plan.steps_per_epoch),
            epochs=plan.epochs,
            callbacks=[*callbacks, *self.callbacks(plan)],
            validation_data=validation,
            validation_freq=plan.validation_epochs,
            verbose=verbosity(),
        )
        curve.close(model, validation)
        sizes = dataset.batch_sizes()
        return Outcome(self.name, self.label, model, curve, plan.iterations, sizes)


class Staged(Planned):
    """From the coarsest level to the finest, a stage each."""

    def iterations(self, settings: Settings, num_levels: int) -> tuple[int, ...]:
        """As asked for; if the levels decide themselves, half as many steps on each finer one."""
        if not settings.auto_levels:
            return settings.stage_iterations
        finer = reversed(range(num_levels))
        return tuple(max(1, settings.iterations[-1] >> levels) for levels in finer)

    def callbacks(self, plan: budget.Plan) -> list[keras.callbacks.Callback]:
        """The schedule of the stages."""
        return [keras_ms.FullMultiscaleSchedule(plan.iterations, plan.steps_per_epoch)]
