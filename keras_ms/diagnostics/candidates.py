"""Measures the coarse problems that a level may have."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_ms.data import MultiscaleDataset, geometry
from keras_ms.diagnostics.allocation import hierarchies
from keras_ms.diagnostics.coarse_problem import CoarseProblem, plain
from keras_ms.diagnostics.control_weights import weighted
from keras_ms.gradients.estimates import (
    Estimates,
    Groups,
    estimate,
    squared_cosines,
    standard_errors,
)
from keras_ms.gradients.finite import check_finite
from keras_ms.gradients.moments import MomentMeter
from keras_ms.levels import Levels, Stage, pair_costs

CANDIDATES = ("task", "crop", "coarsen_and_crop")
"""The usual one first."""

Step = Callable[[Estimates, int], Stage]
"""What a step of the stage with some finest level holds, of the estimates from that level on."""


class Measured(NamedTuple):
    """What was measured of a candidate, one entry per level from `finest` on.

    Attributes:
        coarsening: As in `MultiscaleDataset`.
        finest: 0 for the usual candidate, 1 for others, which look at the same finest mesh.
        found: Estimates of the levels; their biases are against the candidate's own first level.
        squared_cosine: `cos^2` of the angle between `E g_0` and `E g_l`, noise removed.
        error: Its standard error.
    """

    coarsening: str
    finest: int
    found: Estimates
    squared_cosine: np.ndarray
    error: np.ndarray


def others(dataset: MultiscaleDataset) -> list[MultiscaleDataset]:
    """Datasets of the candidates other than the usual one; without those that fit no level.

    Args:
        dataset: One whose coarsening is `"auto"` or `"task"`.
    """
    depth, found = dataset.levels.num_levels, []
    for name in CANDIDATES[1:]:
        if not any(is_new(name, level, depth) for level in range(1, depth)):
            continue
        try:
            found.append(dataset.replaced(coarsening=name))
        except ValueError:  # crops begin between pixels, coordinates cannot be cropped ...
            continue
    return found


def is_new(coarsening: str, level: int, num_levels: int) -> bool:
    """Whether a level is not the same as under a candidate that is named before."""
    before = CANDIDATES[: CANDIDATES.index(coarsening)]
    own = geometry.transitions(coarsening, num_levels)[:level]
    return all(geometry.transitions(name, num_levels)[:level] != own for name in before)


def of_usual(groups: Groups) -> Measured:
    """What groups of the usual candidate say, from level 0 on."""

    def cosines(some: Groups) -> np.ndarray:
        return squared_cosines(some, some)

    found, error = cosines(groups), standard_errors(groups, cosines)
    return Measured(CANDIDATES[0], 0, estimate(groups), found, error)


def measured(
    meter: MomentMeter,
    dataset: MultiscaleDataset,
    usual: Groups,
    samples: int,
    seconds: float = math.inf,
) -> Measured:
    """Measures the levels of another candidate from 1 on; keeps figures alone, no gradients.

    A level gets so many samples that all levels cost the same: pixels of small crops differ more
    than those of large ones, so their mean gradient needs as many more.

    Args:
        meter: Of the model.
        dataset: That of the candidate.
        usual: Groups of the usual candidate, of which there are to be as many here.
        samples: Samples of level 0 that a group's samples of each level cost.
        seconds: Stop after about so long, with at least half of the groups.
    """
    levels = dataset.levels
    start, found = time.perf_counter(), []
    units = tuple(2 ** (len(levels.axes) * level) for level in range(1, levels.num_levels))
    counts = tuple(samples * unit for unit in units)
    source = meter.of(dataset).groups(counts, finest=1, units=units)
    for group in itertools.islice(source, len(usual)):
        found.append(group)
        if len(found) >= len(usual) / 2 and time.perf_counter() - start > seconds:
            break
    check_finite(found, f"coarsening={dataset.coarsening!r}", finest=1)
    pairs: Any = list(zip(usual, found, strict=False))

    def cosines(some: Any) -> np.ndarray:
        return squared_cosines(*zip(*some, strict=True))

    error = standard_errors(pairs, cosines)
    return Measured(str(dataset.coarsening), 1, estimate(found), cosines(pairs), error)


def finest(usual: Measured) -> CoarseProblem:
    """Plain training, of what was measured of the usual candidate."""
    return plain(float(usual.found.squared_norm[0]), float(usual.found.variance[0]))


def problems(
    candidates: Sequence[Measured], levels: Levels, step: Step
) -> tuple[CoarseProblem, ...]:
    """What the rule compares, of what was measured; costs are work units, alike on every machine.

    Args:
        candidates: What was measured, the usual one first.
        levels: The hierarchy.
        step: What a step holds.
    """
    found = []
    costs = [levels.sample_work_units(level) for level in range(levels.num_levels)]
    for name, first, estimates, cosines, errors in candidates:
        for level in range(1, levels.num_levels):
            if is_new(name, level, levels.num_levels):
                place = level - first
                own = estimates.from_level(place)
                variance, cost = _step(own, costs[level:], step(own, level))
                cosine, error = float(cosines[place]), float(errors[place])
                norm = float(own.squared_norm[0])
                found.append(CoarseProblem(level, name, cosine, error, norm, variance, cost))
    return tuple(found)


def _step(found: Estimates, costs: Sequence[float], stage: Stage) -> tuple[float, float]:
    """Variance and cost of a step, per sample of its finest level and for one of them."""
    sizes = np.array(stage.batch_sizes)
    depth = len(sizes)
    weights = stage.control_weights or (1.0,) * (depth - 1)
    table = np.stack([found.variance, found.difference], axis=1)[:depth]
    terms, prices = hierarchies(
        np.array(weighted(table, weights)), np.array(pair_costs(costs))[:depth]
    )[-1]
    return float(np.sum(terms / sizes) * sizes[0]), float(prices @ sizes / sizes[0])
