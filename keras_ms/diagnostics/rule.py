"""THE rule: which batch sizes and control weights a step takes. Pure Python, NumPy.

`diagnose`, `levels="auto"` and `AdaptiveSchedule` all decide by it. They differ in what a sample
costs: seconds on this machine for the first, work units for the others, whose decisions are to
follow from the seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_ms.diagnostics.allocation import hierarchies, optimal_batch_sizes
from keras_ms.diagnostics.control_weights import best_weights, control_weights, weighted
from keras_ms.gradients.estimates import Estimates
from keras_ms.levels import Levels

WORTHWHILE = 0.9
"""What is more elaborate must cost less than this much of what is simpler: a sum of a plain batch,
a weighted sum of one without weights. Variances of 128 samples are known to about a tenth, and
steps were found to take up to a fifth longer than predicted: less than that is no saving to count
on."""
ENOUGH = 8
"""Samples on the finest level without which variances are too uncertain to decide by."""
VISIT = 0.2
"""Work units that a step pays per level, whatever its batch (kernel launches, small convolutions):
.15 to .25 measured for a ResNet at 128 px on 2 cores."""
_ROUNDS = 8  # of sizes for weights and weights for sizes; they settle after two or three


class Allocation(NamedTuple):
    """What a step holds, and why.

    Attributes:
        batch_sizes: Batch sizes of the terms, finest first; a single one is a plain batch.
        control_weights: The weights that they are made for, one per pair of levels, finest first.
        relative_cost: Cost of the step relative to the plain batch that it is as certain as.
        reason: In words.
    """

    batch_sizes: tuple[int, ...]
    control_weights: tuple[float, ...]
    relative_cost: float
    reason: str


def plain_batch(batch_size: int, replicas: int) -> int:
    """The batch size, or the next that the replicas can share."""
    return batch_size + -batch_size % replicas


def allocate(
    variances: Any,
    costs: Any,
    batch_size: int,
    fixed_costs: Sequence[float] | None = None,
    replicas: int = 1,
    telescoping: bool = True,
    samples: int | None = None,
    nested: bool = False,
) -> Allocation:
    """The cheapest step that is as certain as a plain batch on the finest level.

    It is the plain batch itself, unless a telescoping sum is known to be clearly cheaper; and the
    weights of the sum are 1, unless others make it clearly cheaper again: see `WORTHWHILE`.

    Args:
        variances: `(alone, difference)` per level, finest first, as in `optimal_batch_sizes`.
        costs: `(alone, pair)` per level, in any unit.
        batch_size: Size of the plain batch, rounded up to a multiple of `replicas`.
        fixed_costs: What a visit to each level costs, whatever the batch. Defaults to nothing.
        replicas: Replicas that share every batch.
        telescoping: Whether sums are allowed.
        samples: Samples on the finest level that the variances rest on. Defaults to enough.
        nested: Whether all sizes are to be multiples of the finest, as a new dataset needs them
            for a loss that it takes in chunks of that.

    Returns:
        The step, never dearer than the plain batch.

    Raises:
        ValueError: As `optimal_batch_sizes`, but for variances that are not finite: they lead to
            the plain batch.
    """
    plain = plain_batch(batch_size, replicas)
    table, prices = np.array(variances, np.float64), np.array(costs, np.float64)
    if why := _why_plain(table, telescoping, samples):
        return Allocation((plain,), (), 1.0, why)
    table = np.maximum(table, 0.0)
    fixed = np.zeros(len(table)) if fixed_costs is None else np.array(fixed_costs, np.float64)
    search = _Search(table, prices, fixed, replicas, table[0, 0] / plain)
    whole = search.cost((plain,))
    chosen: tuple[float, tuple[int, ...], tuple[float, ...]] = (1.0, (plain,), ())
    for sizes, weights in (search.plain_sum(), search.weighted_sum()):
        if nested:
            sizes = tuple(size + -size % sizes[0] for size in sizes)
        cost = search.cost(sizes) / whole
        if len(sizes) > 1 and cost < WORTHWHILE * chosen[0]:
            chosen = cost, sizes, weights
    return Allocation(chosen[1], chosen[2], chosen[0], _reason(chosen[0], len(chosen[1]), plain))


def allocate_in_work_units(
    found: Estimates,
    levels: Levels,
    finest: int,
    batch_size: int,
    replicas: int = 1,
    telescoping: bool = True,
    samples: int | None = None,
) -> Allocation:
    """`allocate` where costs are work units, `VISIT` for each level that a step visits.

    Args:
        found: Estimates of the levels from `finest` on.
        levels: The hierarchy.
        finest: Finest level of the step.
        batch_size: As in `allocate`, like all that follow.
        replicas: Replicas that share every batch.
        telescoping: Whether sums are allowed.
        samples: Samples on the finest level that the estimates rest on.
    """
    variances = np.stack([found.variance, found.difference], axis=1)
    costs = levels.sample_costs(finest)
    fixed = [VISIT] * len(costs)
    return allocate(variances, costs, batch_size, fixed, replicas, telescoping, samples)


class _Search:
    """Sums that reach a variance, for one problem."""

    def __init__(
        self, table: np.ndarray, costs: np.ndarray, fixed: np.ndarray, replicas: int, target: float
    ) -> None:
        self._table, self._costs, self._fixed = table, costs, fixed
        self._replicas, self._target = replicas, target

    def cost(self, sizes: Sequence[int]) -> float:
        """Cost of a step."""
        _, prices = hierarchies(self._table, self._costs)[len(sizes) - 1]
        return float(prices @ np.array(sizes) + np.sum(self._fixed[: len(sizes)]))

    def plain_sum(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The cheapest sum whose weights are 1, or a plain batch if that is cheaper."""
        sizes = optimal_batch_sizes(
            self._table,
            self._costs,
            variance=self._target,
            replicas=self._replicas,
            fixed_costs=self._fixed.tolist(),
        )
        return sizes, (1.0,) * (len(sizes) - 1)

    def weighted_sum(self) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """The cheapest sum with the best weights, or a plain batch if no level likes another."""
        found = [self._of_depth(depth) for depth in range(2, len(self._table) + 1)]
        sums = [(self.cost(sizes), sizes, weights) for sizes, weights in found if weights]
        return min(sums)[1:] if sums else self.plain_sum()

    def _of_depth(self, depth: int) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Sizes for weights, then weights for sizes, and so on, until neither makes it cheaper."""
        table, costs = self._table[:depth], self._costs[:depth]
        weights = control_weights(table, costs)
        best: tuple[float, tuple[int, ...], tuple[float, ...]] = (math.inf, (), ())
        for _ in range(_ROUNDS):
            if min(weights) <= 0.0:  # coarser levels do not pay
                break
            terms, prices = hierarchies(np.array(weighted(table, weights)), costs)[-1]
            sizes = optimal_batch_sizes(
                terms, prices, variance=self._target, replicas=self._replicas
            )
            cost = self.cost(sizes)
            weights = best_weights(table, sizes)
            if cost >= best[0]:
                break
            best = cost, sizes, weights
        return best[1:]


def _why_plain(table: np.ndarray, telescoping: bool, samples: int | None) -> str:
    """Why no sum comes into question, if none does."""
    if not telescoping:
        return "a plain batch, as the data's own"
    if samples is not None and samples < ENOUGH:
        return f"a plain batch: {samples} samples say too little, {ENOUGH} would be enough"
    used = table.copy()
    used[-1, 1] = 0.0
    if not np.all(np.isfinite(used)) or not np.all(table[:, 0] > 0.0):
        return "a plain batch: gradients are not finite, or do not vary"
    return ""


def _reason(cost: float, depth: int, plain: int) -> str:
    if depth == 1:
        return f"a plain batch of {plain}: no sum costs less than {WORTHWHILE:g} of it"
    return f"a sum on {depth} levels, as certain as a plain batch of {plain} for {cost:.2f} of it"
