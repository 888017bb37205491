"""What every strategy is, and checks that several share."""

from __future__ import annotations

import abc
import math
import pathlib
from collections.abc import Iterable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

import keras_ms

from ..experiment.options import listed
from ..experiment.outcome import Outcome
from ..experiment.saving import Saving
from ..experiment.settings import Settings

MOST_CYCLE = 1000


class Strategy(abc.ABC):
    """A way to train. Subclasses say how, and which options of the data belong to it.

    Args:
        name: The name that it was asked for by.

    Attributes:
        label: What tables and plots call it.
        telescoping: Whether its steps are telescoping sums, whose terms have control weights.
        keeps_terms: Whether terms of its sums may be kept for several steps.
        saving: What keeps its runs, so that one that was stopped goes on; `None` to keep nothing.
        is_planned: Whether its steps are known before the first one is taken, so that several
            hosts take the same ones.
    """

    label: ClassVar[str]
    telescoping: ClassVar[bool] = False
    keeps_terms: ClassVar[bool] = False
    is_planned: ClassVar[bool] = False

    def __init__(self, name: str) -> None:
        self.name = name
        self.saving: Saving | None = None

    def check(self, settings: Settings) -> None:
        """Raises `ValueError` if settings make no sense with this strategy."""
        return

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """Options of `building.make_dataset`."""
        return {"coarsening": settings.coarsenings, "restriction": settings.restriction}

    @abc.abstractmethod
    def train(
        self,
        settings: Settings,
        images: Iterable[np.ndarray],
        validation: tf.data.Dataset,
        output: pathlib.Path | None = None,
    ) -> Outcome:
        """Trains a fresh network within the budget.

        Args:
            settings: The settings.
            images: Photographs to train on.
            validation: Pairs to validate on.
            output: Folder for what the strategy has to tell, or `None`.

        Returns:
            The trained network and how it got there.
        """


class BeforeValidation(keras_ms.RefreshStatistics):
    """Refreshes statistics for validations, and not at ends of stages, where nobody looks."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Leaves them."""


def more_callbacks(settings: Settings) -> list[keras.callbacks.Callback]:
    """Callbacks that are asked for; behind the clock, which stops for what they do."""
    return [BeforeValidation()] if settings.refresh_statistics else []


def on_one_level(settings: Settings) -> dict[str, Any]:
    """Options of the data of strategies that train on the finest level alone."""
    return {"levels": (settings.single_scale_batch,), "coarsening": "task"}  # nothing is coarse


def on_all_levels(settings: Settings) -> dict[str, Any]:
    """Options of the data of strategies that sum over levels: as asked for, or as measured."""
    if settings.auto_levels:
        return {"levels": "auto"}
    weights = {"control_weights": settings.control_weights}
    if not settings.refresh:
        return weights
    return {**weights, "refresh": settings.refresh, "steps_per_epoch": cycle(settings)}


def cycle(settings: Settings) -> int:
    """Steps after which all terms of a sum are computed anew; 1 if they are in every step.

    Raises:
        ValueError: If the steps of no stage that is asked for are as many: stages are whole cycles.
    """
    steps = math.lcm(*settings.refresh)
    by_steps = settings.seconds is None and settings.work_units is None
    most = min(MOST_CYCLE, max(settings.iterations) if by_steps else MOST_CYCLE)
    if steps > max(1, most):
        raise ValueError(
            "Terms are computed anew within every stage, and after "
            f"{MOST_CYCLE:,} steps at the latest. Received: --refresh={listed(settings.refresh)}, "
            f"--iterations={listed(settings.iterations)}. Use smaller numbers for --refresh."
        )
    return steps


def check_levels(settings: Settings, strategy: Strategy) -> None:
    """Refuses a single level, where levels are given and not measured."""
    if len(settings.batch_sizes) < 2 and not settings.auto_levels:
        raise ValueError(
            f"--strategy={strategy.name} needs two levels or more. Received: "
            f"--batch_sizes={listed(settings.batch_sizes)}. Use for example 4,8,16,32."
        )


def check_stages(settings: Settings, strategy: Strategy) -> None:
    """Refuses iterations that are given and not one per level, and a single level."""
    check_levels(settings, strategy)
    counts, levels = settings.stage_iterations, len(settings.batch_sizes)
    if len(counts) != levels and not settings.auto_levels:
        raise ValueError(
            "--iterations and --batch_sizes have one entry per level each, finest first. Received: "
            f"--iterations={listed(counts)}, --batch_sizes={listed(settings.batch_sizes)}. Give "
            f"{levels} iterations, {len(counts)} batch sizes, or leave --iterations out: then they "
            "fit themselves to the levels."
        )


def refuse_auto_levels(settings: Settings, strategy: Strategy, reason: str) -> None:
    """Refuses `--auto_levels`, for a reason."""
    if settings.auto_levels:
        raise ValueError(
            f"--auto_levels is not for {strategy.name}, which {reason}. Received: --auto_levels, "
            f"--strategy={settings.strategy}, --compare={listed(settings.compare)}."
        )
