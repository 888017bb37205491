"""What `levels="auto"` and `coarsening="auto"` train on, by measured gradients."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import keras

from keras_ms.data import MultiscaleDataset, geometry
from keras_ms.diagnostics import candidates
from keras_ms.diagnostics.coarse_problem import Choice, choose_all, words
from keras_ms.diagnostics.rule import Allocation, allocate_in_work_units, plain_batch
from keras_ms.gradients.chunks import WHOLE, Chunks
from keras_ms.gradients.estimates import Estimates, estimate
from keras_ms.gradients.finite import check_finite
from keras_ms.gradients.moments import MomentMeter
from keras_ms.gradients.per_sample import build_for_gradients
from keras_ms.levels import Levels, Stage
from keras_ms.training.clock import Clock
from keras_ms.training.extent import WITHOUT_END, Extent, comparing_work_units, too_much
from keras_ms.training.trial import plain_steps, unchanged

PLAIN_BATCH = 16
"""Every stage's step is as certain as a plain batch of so many images of its finest level."""
SAMPLES = 4
GROUPS = 8
TIMED = 4
"""Steps by which the seconds of measuring are foretold."""
WARM_UP = 100
"""Plain steps of one image before coarse problems are compared, taken back afterwards: the coarse
gradients of an untrained network have next to no bias, and those of a trained one do."""


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
    check_finite(groups, "levels='auto'", mend=" Or give batch sizes.")
    unit = math.lcm(model.distribute_strategy.num_replicas_in_sync, chunks.unit)
    samples, telescoping = SAMPLES * GROUPS, dataset.telescoping
    return stages(estimate(groups), dataset.levels, samples, unit, telescoping)


class Decision(NamedTuple):
    """What a run trains on.

    Attributes:
        dataset: The data, its coarsening decided.
        stages: One per level, finest first. In place of the stage of a level that is done without
            stands that of the next finer one that serves.
        choices: What was chosen for every level from 1 on; empty if nothing was to choose, or if
            to choose would have cost too much.
        lines: What was decided, in sentences.
    """

    dataset: MultiscaleDataset
    stages: tuple[Stage, ...]
    choices: tuple[Choice, ...] = ()
    lines: tuple[str, ...] = ()


def decide(
    model: keras.Model,
    dataset: MultiscaleDataset,
    chunks: Chunks = WHOLE,
    extent: Extent = WITHOUT_END,
) -> Decision:
    """Decides coarsening, batch sizes and weights, where the dataset leaves them open.

    Coarse problems are compared after `WARM_UP` steps of plain training, which are taken back. If
    that takes more than `MEASURING_SHARE` of the run, every level has the usual one.

    Args:
        model: A compiled model.
        dataset: What it trains on.
        chunks: How the loss of a batch is taken. Defaults to as it is.
        extent: What the run is to take. Defaults to as much as it likes.

    Raises:
        ValueError: As `stages_for`, and if gradients are not finite.
    """
    found = _coarse_problems(model, dataset, chunks, extent)
    if dataset.allocation == "given":
        return found
    replicas = model.distribute_strategy.num_replicas_in_sync
    line = described(found.dataset, found.stages, replicas)
    return found._replace(lines=(*found.lines, line))


def _coarse_problems(
    model: keras.Model, dataset: MultiscaleDataset, chunks: Chunks, extent: Extent
) -> Decision:
    """The coarse problems that measurement advises, or the usual ones and why."""
    if dataset.coarsening != geometry.AUTO or dataset.levels.num_levels == 1:
        return _usual(model, dataset, chunks)
    others = candidates.others(dataset)
    cost = comparing_work_units(dataset.levels, len(others), SAMPLES, GROUPS, WARM_UP)
    why = too_much(cost, extent)
    if not why:
        build_for_gradients(model, dataset)
        with unchanged(model):
            comparison = _Comparison(model, dataset, chunks)
            if math.isfinite(extent.seconds):
                extent = extent._replace(work_units=comparison.affordable(extent.seconds))
                why = too_much(cost, extent)
            if not why:
                return comparison.decision(others)
    line = (
        f"coarsening='auto': to compare coarse problems {why}, so every level has "
        f"{candidates.CANDIDATES[0]!r}. Train longer, or name a coarsening."
    )
    return _usual(model, dataset, chunks, line)


def _usual(model: keras.Model, dataset: MultiscaleDataset, chunks: Chunks, *lines: str) -> Decision:
    """The coarse problem that a dataset names, or else the usual one."""
    if dataset.coarsening == geometry.AUTO:
        dataset = dataset.replaced(coarsening=candidates.CANDIDATES[0])
    return Decision(dataset, stages_for(model, dataset, chunks), lines=lines)


def check_can_decide(model: keras.Model, dataset: MultiscaleDataset) -> None:
    """Refuses to measure gradients of a model that could not be built before its first step.

    Args:
        model: Such a model.
        dataset: What it is to train on.

    Raises:
        ValueError: If the dataset leaves something open.
    """
    measured = {
        "levels": dataset.allocation == "measured",
        "coarsening": dataset.coarsening == geometry.AUTO,
    }
    for name, use in (("levels", "Levels or a tuple of batch sizes"), ("coarsening", "a name")):
        if measured[name]:
            raise ValueError(
                f"{name}='auto' measures gradients of a model that runs on symbols. Received: "
                f"{type(model).__name__}, which could not be built before its first step. Give "
                f"{use}."
            )


class _Comparison:
    """Coarse problems measured on one model, and what follows."""

    def __init__(self, model: keras.Model, dataset: MultiscaleDataset, chunks: Chunks) -> None:
        self._dataset, self._levels = dataset, dataset.levels
        self._given = dataset.allocation == "given"
        self._batch = max(PLAIN_BATCH, self._levels.batch_sizes[0] if self._given else 0)
        self._unit = math.lcm(model.distribute_strategy.num_replicas_in_sync, chunks.unit)
        self._model, self._meter = model, MomentMeter(model, dataset, chunks)

    def affordable(self, seconds: float) -> float:
        """Work units of a run of so many seconds, by the pace of some steps."""
        self._train(1)  # which is traced
        clock = Clock()
        self._train(TIMED)
        return seconds * TIMED * self._unit / clock.seconds

    def _train(self, steps: int) -> None:
        plain_steps(self._model, self._meter.gradient, self._dataset, steps, self._unit)

    def _measure(self, others: Sequence[MultiscaleDataset]) -> list[candidates.Measured]:
        counts = tuple(SAMPLES * 2**level for level in range(self._levels.num_levels))
        groups = list(itertools.islice(self._meter.groups(counts), GROUPS))
        after = f"coarsening='auto', after {WARM_UP} plain steps,"
        check_finite(groups, after, mend=" Or name a coarsening.")
        measured = (candidates.measured(self._meter, one, groups, SAMPLES) for one in others)
        return [candidates.of_usual(groups), *measured]

    def decision(self, others: Sequence[MultiscaleDataset]) -> Decision:
        """What measurements advise, of the usual coarse problem and others."""
        self._train(WARM_UP)
        self._measured = self._measure(others)
        problems = candidates.problems(self._measured, self._levels, self._step)
        found = self._measured[0].found
        choices = choose_all(problems, candidates.finest(self._measured[0]), self._batch)
        dataset = self._dataset.replaced(coarsening=words(choices))
        stages = [self._step(found, 0)]
        for choice in choices:
            finer = stages[-1]
            stages.append(self._stage_of(choice) if choice.serves else finer)
        line = described_choices(dataset, choices)
        return Decision(dataset, tuple(stages), choices, (line,))

    def _step(self, found: Estimates, level: int) -> Stage:
        """What a step from a level on holds, given or by the one rule."""
        if self._given:
            return self._dataset.stages[level]
        samples, telescoping = SAMPLES * GROUPS, self._dataset.telescoping
        chosen = allocate_in_work_units(
            found, self._levels, level, PLAIN_BATCH, self._unit, telescoping, samples
        )
        return Stage(level, chosen.batch_sizes, chosen.control_weights)

    def _stage_of(self, choice: Choice) -> Stage:
        one = next(m for m in self._measured if m.coarsening == choice.coarsening)
        return self._step(one.found.from_level(choice.level - one.finest), choice.level)


def described_choices(dataset: MultiscaleDataset, choices: Sequence[Choice]) -> str:
    """What was chosen for the levels, in a sentence."""
    parts = []
    for choice in choices:
        mesh = "x".join(str(side) for side in dataset.mesh_sizes[choice.level])
        chosen = (
            f"{choice.coarsening!r} (gains {choice.gain:.2f} of a plain step at equal cost)"
            if choice.serves
            else "better done without"
        )
        parts.append(f"level {choice.level}, {mesh} px: {chosen}")
    return f"coarsening='auto': {'; '.join(parts)}."


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
