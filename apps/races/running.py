"""One run of a race: whether it would be refused, how it is trained, and what is kept of it."""

from __future__ import annotations

from typing import Any

import keras

from .. import strategies
from ..experiment import building
from ..experiment.budget import BudgetError
from ..experiment.outcome import Outcome
from ..experiment.settings import Settings


def check(settings: Settings) -> None:
    """Raises `ValueError` if a run would be refused; it is not made."""
    (strategy,) = strategies.chosen(settings)
    black = building.kind_of(settings).black()
    building.make_dataset(settings, black, **strategy.data_options(settings))


def outcome_of(settings: Settings, images: Any, validation: Any) -> Outcome | None:
    """Trains a fresh network by the strategy of the settings.

    Args:
        settings: Of the run.
        images: What it trains on.
        validation: Pairs to validate on.

    Returns:
        What came of it; `None` if the budget does not pay for starting up.
    """
    keras.utils.clear_session()  # which forgets the policy, too
    keras.config.set_dtype_policy(settings.dtype_policy)
    try:
        return strategies.get(settings.strategy).train(settings, images, validation)
    except BudgetError as error:
        print(error)
        return None


def recorded(outcome: Outcome | None, share: float = 1.0) -> dict[str, Any]:
    """What to keep of a run, for JSON.

    Args:
        outcome: What came of it, or `None` if it could not start.
        share: Work units of the race per work unit of the run, whose crops may be smaller.

    Returns:
        `points`, a dictionary per validation, none of a run that could not start; `steps` taken,
        of these `finest` by the finest stage.
    """
    if outcome is None:
        return {"points": []}
    points = [
        {**point._asdict(), "work_units": share * point.work_units, **metrics}
        for point, metrics in zip(outcome.curve.points, outcome.curve.metrics, strict=True)
    ]
    steps = int(outcome.model.optimizer.iterations)
    return {"points": points, "steps": steps, "finest": outcome.iterations[0]}


def share_of_mesh(image_size: int, finest: int) -> float:
    """Work units of a race per work unit of a run, whose crops may be smaller than the finest."""
    return (image_size / finest) ** 2
