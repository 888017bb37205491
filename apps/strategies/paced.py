"""Strategies whose steps are not planned: they look at the share of the budget that is spent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

import keras_ms

from ..experiment.decisions_told import DecisionsTold
from ..experiment.recording import Curve, TrainingClock, ValidateByBudget
from ..experiment.saving import Saving
from ..experiment.settings import Settings
from ..experiment.validation_lines import ValidationLines
from .strategy import more_callbacks
from .watching import watching

EPOCHS = keras_ms.AdaptiveSchedule.epochs  # more than any budget lasts


def fit(
    model: keras.Model,
    data: Any,
    pace: Any,
    clock: TrainingClock,
    settings: Settings,
    validation: tf.data.Dataset,
    more: Sequence[keras.callbacks.Callback] | None = None,
    saving: Saving | None = None,
    told: Sequence[str] | None = None,
    **options: Any,
) -> Curve:
    """Trains until a callback stops, validating whenever another share of the budget is spent.

    Args:
        model: The model, compiled with a constant rate.
        data: What `fit` takes.
        pace: The callback that leads, whose `progress` is the share that is spent.
        clock: Counts the seconds.
        settings: Of the run.
        validation: Pairs to validate on.
        more: Callbacks behind these; defaults to those that settings ask for.
        saving: Keeps the run, if it is to be kept.
        told: What to say of what was decided; defaults to what the run of the `fit` tells.
        **options: More of `fit`.

    Returns:
        The validation loss against cost.
    """
    if more is None:
        more = [*more_callbacks(settings), *watching(settings, validation)]
    curve, due = Curve(clock), ValidateByBudget(pace, settings.validations)
    lines = ValidationLines(lambda: pace.progress, clock)
    kept = [] if saving is None else saving.callbacks(model, curve, validation)
    says = DecisionsTold(None if saving is None else saving.said, told)
    model.fit(
        data,
        epochs=EPOCHS,
        callbacks=[says, *kept, clock, pace, curve, due, lines, *more],
        validation_data=validation,
        validation_freq=due.epochs,
        verbose=0,
        **options,
    )
    curve.close(model, validation)
    return curve
