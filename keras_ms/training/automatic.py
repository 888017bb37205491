"""Stages for `levels="auto"`, from the gradients of the model that is about to be trained."""

from __future__ import annotations

import itertools

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.estimates import estimate
from keras_ms.gradients.moments import MomentMeter
from keras_ms.levels import Stage
from keras_ms.training.adaptive import rule

PLAIN_BATCH = 16
"""Every stage's step is as certain as a plain batch of so many images of its finest level."""
SAMPLES = 4
GROUPS = 8


def stages_for(model: keras.Model, dataset: MultiscaleDataset) -> tuple[Stage, ...]:
    """What the stages of a run hold: the dataset's own, or what measured gradients advise.

    Costs are work units, so that the same seeds give the same batch sizes on every machine.

    Args:
        model: A compiled model.
        dataset: What it trains on.

    Returns:
        One stage per level, finest first.

    Raises:
        ValueError: If there is something to measure and the model is not compiled, or has no
            trainable weights.
    """
    if dataset.allocation == "given":
        return dataset.stages
    levels = range(dataset.levels.num_levels)
    counts = tuple(SAMPLES * 2**level for level in levels)
    groups = list(itertools.islice(MomentMeter(model, dataset).groups(counts), GROUPS))
    measured = rule.Measurement(0, estimate(groups), SAMPLES * GROUPS, GROUPS, 1.0)
    costs = [dataset.levels.sample_work_units(level) for level in levels]
    replicas = model.distribute_strategy.num_replicas_in_sync
    batch = PLAIN_BATCH + -PLAIN_BATCH % replicas
    if not dataset.telescoping:
        return tuple(Stage(level, (batch,)) for level in levels)
    return tuple(
        Stage(level, rule.batch_sizes([measured.from_level(level)], level, batch, costs, replicas))
        for level in levels
    )


def described(dataset: MultiscaleDataset, stages: tuple[Stage, ...]) -> str:
    """What was decided, in a sentence."""
    finest = stages[0]
    listed = ", ".join(str(size) for size in finest.batch_sizes)
    cost = dataset.levels.step_work_units(finest.finest, finest.batch_sizes)
    return (
        f"levels='auto': batches of {listed} on the finest stage, {cost:.3g} work "
        f"units a step for the certainty of {PLAIN_BATCH} images of level 0."
    )
