"""What `levels="auto"` trains on, from the gradients of the model that is about to be trained."""

from __future__ import annotations

import itertools
import math

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.diagnostics.rule import Allocation, allocate_in_work_units, plain_batch
from keras_ms.gradients.chunks import WHOLE, Chunks
from keras_ms.gradients.estimates import Estimates, estimate
from keras_ms.gradients.moments import MomentMeter
from keras_ms.levels import Levels, Stage

PLAIN_BATCH = 16
"""Every stage's step is as certain as a plain batch of so many images of its finest level."""
SAMPLES = 4
GROUPS = 8


def stages(
    found: Estimates, levels: Levels, samples: int, unit: int = 1, telescoping: bool = True
) -> tuple[Stage, ...]:
    """What every stage trains on, by the one rule.

    Costs are work units, so that the same seeds give the same stages on every machine.

    Args:
        found: Estimates of all levels.
        levels: The hierarchy.
        samples: Samples on the finest level that they rest on.
        unit: What batch sizes are multiples of: the number of replicas, the size of chunks.
        telescoping: Whether steps may be sums.

    Returns:
        A stage for each finest level, finest first.
    """

    def allocated(level: int) -> Allocation:
        own = found.from_level(level)
        return allocate_in_work_units(own, levels, level, PLAIN_BATCH, unit, telescoping, samples)

    chosen = map(allocated, range(levels.num_levels))
    return tuple(Stage(level, a.batch_sizes, a.control_weights) for level, a in enumerate(chosen))


def stages_for(
    model: keras.Model, dataset: MultiscaleDataset, chunks: Chunks = WHOLE
) -> tuple[Stage, ...]:
    """What the stages of a run hold: the dataset's own, or what measured gradients advise.

    Args:
        model: A compiled model.
        dataset: What it trains on.
        chunks: How the loss of a batch is taken. Defaults to as it is.

    Returns:
        One stage per level, finest first.

    Raises:
        ValueError: If there is something to measure and the model is not compiled, or has no
            trainable weights.
    """
    if dataset.allocation == "given":
        return dataset.stages
    counts = tuple(SAMPLES * 2**level for level in range(dataset.levels.num_levels))
    groups = list(itertools.islice(MomentMeter(model, dataset, chunks).groups(counts), GROUPS))
    unit = math.lcm(model.distribute_strategy.num_replicas_in_sync, chunks.unit)
    samples, telescoping = SAMPLES * GROUPS, dataset.telescoping
    return stages(estimate(groups), dataset.levels, samples, unit, telescoping)


def described(dataset: MultiscaleDataset, decided: tuple[Stage, ...], replicas: int = 1) -> str:
    """What was decided, in a sentence."""
    finest = decided[0]
    listed = ", ".join(str(size) for size in finest.batch_sizes)
    weights = ", ".join(f"{weight:.2f}" for weight in finest.control_weights)
    weighted = f" with control weights {weights}" if set(finest.control_weights) - {1.0} else ""
    cost = dataset.levels.step_work_units(finest.finest, finest.batch_sizes)
    return (
        f"levels='auto': batches of {listed}{weighted} on the finest stage, {cost:.3g} work units "
        f"a step for the certainty of {plain_batch(PLAIN_BATCH, replicas)} images of level 0."
    )
