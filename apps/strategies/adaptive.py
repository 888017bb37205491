"""Training by AdaptiveSchedule, validated as often as the other strategies."""

from __future__ import annotations

import pathlib

import keras
import tensorflow as tf

import keras_ms

from ..experiment.recording import Curve, TrainingClock, ValidateByBudget
from ..experiment.settings import Settings

STEPS_PER_EPOCH = 25


def train(
    settings: Settings,
    model: keras_ms.MultiscaleModel,
    dataset: keras_ms.MultiscaleDataset,
    validation: tf.data.Dataset,
    output: pathlib.Path | None,
) -> Curve:
    """Trains a model compiled with a constant rate within the budget.

    Without one, the budget is what full_multiscale would take.

    Args:
        settings: The settings.
        model: The model.
        dataset: Its data.
        validation: Pairs to validate on.
        output: Folder for decisions.json, or `None`.

    Returns:
        The validation loss against cost.
    """
    dataset = dataset.replaced(STEPS_PER_EPOCH)
    work_units = settings.work_units
    if settings.seconds is None and work_units is None:
        work_units = dataset.levels.full_multiscale_work_units(settings.iterations)
    rate = None
    if settings.decay == "cosine":
        alpha = settings.final_learning_rate / settings.learning_rate
        rate = keras.optimizers.schedules.CosineDecay(settings.learning_rate, 1.0, alpha=alpha)
    schedule = keras_ms.AdaptiveSchedule(
        settings.seconds,
        work_units,
        rate,
        journal=None if output is None else output / "decisions.json",
    )
    clock = TrainingClock()
    curve, due = Curve(clock), ValidateByBudget(schedule, settings.validations)
    model.fit(
        dataset,
        epochs=schedule.epochs,
        callbacks=[clock, schedule, curve, due],
        validation_data=validation,
        validation_freq=due.epochs,
        verbose=0,
    )
    curve.close(model, validation)
    for decision in schedule.decisions:
        sizes = ", ".join(str(size) for size in decision.batch_sizes)
        print(
            f"After {decision.work_units:,.0f} work units, {decision.seconds:.1f} s: level "
            f"{decision.finest}, batches of {sizes}; {decision.reason}"
        )
    return curve
