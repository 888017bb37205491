"""Strategies whose steps are planned before the first one is taken."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms

from ..experiment import auto_levels, budget, building
from ..experiment.decisions_told import DecisionsTold
from ..experiment.outcome import Outcome
from ..experiment.recording import Curve, TrainingClock
from ..experiment.settings import Settings
from ..experiment.validation_lines import ValidationLines
from . import paced
from .by_the_clock import ByTheClock
from .strategy import Strategy, cycle, more_callbacks
from .watching import watching

STEPS_PER_EPOCH = 20  # with a budget of seconds; stages and validations begin between epochs


class Planned(Strategy):
    """As many steps as were asked for, or as the budget pays for; without stages."""

    is_planned = True

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
    ) -> Outcome:
        """Trains a fresh network within the budget; see `Strategy.train`.

        Raises:
            BudgetError: If the budget does not pay for one step of every stage.
        """
        dataset = building.make_dataset(settings, images, **self.data_options(settings))
        dataset, seconds = auto_levels.decided(settings, dataset, self.saving)
        clock = TrainingClock(seconds)
        wanted = self.iterations(settings, dataset.levels.num_levels)
        costs = [dataset.work_units(stage) for stage in range(len(wanted))]
        train = self._by_plan if settings.seconds is None else self._by_the_clock
        model, curve, iterations = train(settings, dataset, validation, clock, wanted, costs)
        sizes = dataset.batch_sizes()
        return Outcome(self.name, self.label, model, curve, iterations, sizes)

    def _by_the_clock(
        self, settings: Settings, data: Any, validation: Any, clock: Any, wanted: Any, costs: Any
    ) -> tuple[keras_ms.MultiscaleModel, Curve, tuple[int, ...]]:
        """Every stage has its share of the seconds: that of its work units in the work wanted."""
        model = building.make_model(settings, settings.learning_rate)
        shares = [count * cost for count, cost in zip(wanted, costs, strict=True)]
        rate = building.decayed(settings, 1.0)
        pace = ByTheClock(clock, settings.seconds or 0.0, shares, rate)
        every = cycle(settings)
        data = data.replaced(-(-STEPS_PER_EPOCH // every) * every)
        curve = paced.fit(model, data, pace, clock, settings, validation, saving=self.saving)
        return model, curve, tuple(pace.steps)

    def _by_plan(
        self, settings: Settings, data: Any, validation: Any, clock: Any, wanted: Any, costs: Any
    ) -> tuple[keras_ms.MultiscaleModel, Curve, tuple[int, ...]]:
        """As many steps as wanted, or as the work units pay for."""
        plan = budget.make_plan(settings, wanted, costs, cycle(settings))
        model = building.make_model(settings, building.decayed(settings, sum(plan.iterations)))
        curve = Curve(clock)
        whole = sum(n * cost for n, cost in zip(plan.iterations, costs, strict=True))
        lines = ValidationLines(lambda: curve.work_units / whole, clock)
        saving = self.saving
        kept = [] if saving is None else saving.callbacks(model, curve, validation)
        says = DecisionsTold(None if saving is None else saving.said)
        more = [*more_callbacks(settings), *watching(settings, validation), *self.callbacks(plan)]
        model.fit(
            data.replaced(plan.steps_per_epoch),
            epochs=plan.epochs,
            callbacks=[says, *kept, clock, curve, lines, *more],
            validation_data=validation,
            validation_freq=plan.validation_epochs,
            verbose=0,
        )
        curve.close(model, validation)
        return model, curve, plan.iterations


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
