"""Runs a strategy so that nothing is lost when it is stopped, and nothing wrong is kept."""

from __future__ import annotations

import math
import pathlib
from typing import Any

import numpy as np

from keras_ms.callbacks import DivergedError
from keras_ms.training.run_state import steps_of

from ..experiment import building, distribution
from ..experiment.outcome import Outcome
from ..experiment.saving import LEAST_LOSS, Saving
from ..experiment.settings import Settings
from ..experiment.unfinished import Unfinished
from .strategy import Strategy

MOST_ROLLBACKS = 3
USELESS = 10.0
"""A loss so many times that of the untrained network is no result."""


def trained(
    strategy: Strategy,
    unfinished: Unfinished,
    images: Any,
    validation: Any,
    output: pathlib.Path | None = None,
) -> Outcome:
    """Trains by a strategy, from where its last checkpoint is; rolls back if that is asked for.

    Hosts that train together all call it, and do alike.

    Args:
        strategy: The strategy; it has what is kept of its run afterwards, `saving`.
        unfinished: Where checkpoints are.
        images: What to train on.
        validation: What to validate on.
        output: Folder for what the strategy has to tell, or `None`.

    Raises:
        DivergedError: If training diverged, or no validation is of use.
        StoppedError: If it was stopped.
    """
    while True:
        strategy.saving, settings = unfinished.saving(strategy.name)
        try:
            with distribution.naming_lost_hosts(settings):
                outcome = strategy.train(settings, images, validation, output)
            _check(outcome, strategy.saving)
            unfinished.signals.check()
            return outcome
        except DivergedError as error:
            done = unfinished.rollbacks(strategy.name)
            if settings.on_nan != "rollback" or error.by_data or done == MOST_ROLLBACKS:
                raise
            unfinished.roll_back(strategy.name)
            print(
                f"{error} Going back to the last checkpoint with half the learning rate, rollback "
                f"{done + 1} of {MOST_ROLLBACKS} at most.",
                flush=True,
            )
        finally:
            unfinished.signals.listener = None


def is_of_use(loss: float, saving: Saving | None) -> bool:
    """Whether a loss of the validation is not much worse than that of the untrained network."""
    reference = math.nan if saving is None else saving.reference
    if not math.isfinite(reference):
        return math.isfinite(loss)
    return math.isfinite(loss) and loss <= USELESS * max(abs(reference), LEAST_LOSS)


def unfinished_outcome(
    settings: Settings, strategy: Strategy, validation: Any = None
) -> Outcome | None:
    """What a strategy had come to when it was stopped.

    Args:
        settings: Of the run.
        strategy: The strategy.
        validation: What to validate on if there was no validation yet; `None` not to.

    Returns:
        The network, on one device, and its validations so far; `None` if there are none, or if it
        is untrained: no checkpoint was put back yet, and no step done.
    """
    saving = strategy.saving
    if saving is None or saving.model is None or saving.curve is None:
        return None
    if steps_of(saving.model) == 0:
        return None
    curve, steps = saving.curve, (steps_of(saving.model),)
    found = Outcome(strategy.name, strategy.label, saving.model, curve, steps, ())
    found = building.on_one_device(settings, found)  # other hosts do not take part any more
    if not curve.points and validation is not None:
        curve.close(found.model, validation)
    return found if curve.points else None


def _check(outcome: Outcome, saving: Saving | None) -> None:
    best = outcome.curve.best.loss
    if saving is not None and saving.curve is not None and not is_of_use(best, saving):
        raise DivergedError(
            f"Training led nowhere: the least loss of all validations is {best:.3g}, that of the "
            f"untrained network was {saving.reference:.3g}. Received: learning rate "
            f"{_rate(outcome):.3g} at the end. Use a smaller --learning_rate."
        )


def _rate(outcome: Outcome) -> float:
    return float(np.asarray(outcome.model.optimizer.learning_rate))
