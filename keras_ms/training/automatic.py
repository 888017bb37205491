"""Batch sizes for `levels="auto"`, from the gradients of the model that is about to be trained."""

from __future__ import annotations

import itertools

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.estimates import estimate
from keras_ms.gradients.moments import MomentMeter
from keras_ms.training.adaptive import rule

PLAIN_BATCH = 16
"""Every stage's step is as certain as a plain batch of so many images of its finest level."""
SAMPLES = 4
GROUPS = 8


def decide(model: keras.Model, dataset: MultiscaleDataset) -> str:
    """Measures the gradients and sets the dataset's batch sizes.

    Costs are work units, so that the same seeds give the same batch sizes on every machine.

    Args:
        model: A compiled model.
        dataset: An undecided dataset.

    Returns:
        What was decided, in a sentence.

    Raises:
        ValueError: If the model is not compiled, or has no trainable weights.
    """
    levels = range(dataset.levels.num_levels)
    counts = tuple(SAMPLES * 2**level for level in levels)
    groups = list(itertools.islice(MomentMeter(model, dataset).groups(counts), GROUPS))
    measured = rule.Measurement(0, estimate(groups), SAMPLES * GROUPS, GROUPS, 1.0)
    costs = [dataset.levels.sample_work_units(level) for level in levels]
    replicas = model.distribute_strategy.num_replicas_in_sync
    batch = PLAIN_BATCH + -PLAIN_BATCH % replicas
    dataset.decide(
        [
            rule.batch_sizes([measured.from_level(level)], level, batch, costs, replicas)
            if dataset.telescoping
            else (batch,)
            for level in levels
        ]
    )
    listed = ", ".join(str(size) for size in dataset.batch_sizes(0))
    return (
        f"levels='auto': batches of {listed} on the finest stage, {dataset.work_units(0):.3g} work "
        f"units a step for the certainty of {batch} images of level 0."
    )
