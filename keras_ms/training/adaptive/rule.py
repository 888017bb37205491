"""When to leave a coarse stage, and which batches the next one takes. Pure NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_ms.diagnostics import allocation
from keras_ms.gradients.estimates import Estimates

ALIGNED = 0.25
"""Share of `|E g|^2` that a squared bias may take: within it the cosine is at least .86."""
RECENT = 3
"""Measurements that are pooled, since mean gradients swing from step to step."""
SHARE_OF_REST = 0.5
"""Of the budget left when a stage starts, what it may use if finer ones are to come."""
OVERHEAD = 0.2
"""Work units that a step pays per level for what does not depend on the batch (kernel launches,
small convolutions): .15 to .25 measured for a ResNet at 128 px on 2 cores."""
WORTHWHILE = 0.8
"""A telescoping sum is taken if it costs at most so much of the plain batch."""
LEAST_IMPROVEMENT = 0.002
"""Decrease of the validation loss, over its size, that counts as one."""
ENOUGH = 8
"""Samples on the finest level without which variances are too uncertain to allocate by."""


class Measurement(NamedTuple):
    """What was measured at one time.

    Attributes:
        finest: The finest level that was measured: the one below the stage's.
        found: The estimates, from that level on.
        samples: Samples on that level.
        groups: Groups that they came in.
        rate_share: The learning rate at that time over the largest so far.
    """

    finest: int
    found: Estimates
    samples: int
    groups: int
    rate_share: float

    def from_level(self, level: int) -> Measurement:
        """What it says of the levels from `level` on."""
        parts = (values[level - self.finest :] for values in self.found)
        return self._replace(finest=level, found=Estimates(*parts))

    def as_dict(self) -> dict[str, Any]:
        """Numbers and lists alone, for JSON."""
        lists = {name: values.tolist() for name, values in self.found._asdict().items()}
        return {**self._asdict(), "found": lists}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Measurement:
        """What `as_dict` was made from."""
        lists = {name: np.array(values) for name, values in content["found"].items()}
        return cls(**{**content, "found": Estimates(**lists)})


class Evidence(NamedTuple):
    """What the recent measurements say of the stage on level `l`.

    Attributes:
        squared_bias: `|E g_(l-1) - E g_l|^2`, against the next finer level; mean of the recent
            measurements. Biases shrink with the mesh (Lemma 1), so this is the larger part of
            the bias against level 0, which would take many times as much to measure.
        sampling_variance: Variance of the stage's step, times the share of the largest learning
            rate that is left: with smaller steps, noise averages out over more of them.
        squared_gradient: `|E g_(l-1)|^2`.
    """

    squared_bias: float
    sampling_variance: float
    squared_gradient: float

    @property
    def ratio(self) -> float:
        """Squared bias over what a step may well be wrong by; above 1 the stage has had its day."""
        bearable = self.sampling_variance + ALIGNED * max(self.squared_gradient, 0.0)
        return self.squared_bias / bearable if bearable > 0.0 else math.inf


def evidence(measured: Sequence[Measurement], level: int, batch_size: int) -> Evidence | None:
    """Pools the recent measurements of a stage.

    Args:
        measured: All measurements so far.
        level: The stage's finest level, 1 or coarser.
        batch_size: The plain batch that its steps are as certain as.

    Returns:
        The evidence, or `None` if nothing was measured in this stage.
    """
    recent = _recent(measured, level - 1)
    if not recent:
        return None
    variance = np.mean([m.rate_share * m.found.variance[1] for m in recent]) / batch_size
    return Evidence(
        float(np.mean([m.found.squared_bias[1] for m in recent])),
        float(variance),
        float(np.mean([m.found.squared_norm[0] for m in recent])),
    )


def stalled(losses: Sequence[float], patience: int) -> dict[str, float]:
    """Whether validation losses have stopped to fall.

    Args:
        losses: All of a stage, in order.
        patience: How many of the last ones did not improve on those before.

    Returns:
        The least loss before and the least lately, or nothing if they still fall.
    """
    if len(losses) <= patience:
        return {}
    before, lately = min(losses[:-patience]), min(losses[-patience:])
    improved = lately <= before - LEAST_IMPROVEMENT * abs(before)
    return {} if improved else {"before": before, "lately": lately}


def _recent(measured: Sequence[Measurement], finest: int) -> list[Measurement]:
    return [m for m in measured if m.finest == finest][-RECENT:]


def batch_sizes(
    measured: Sequence[Measurement],
    level: int,
    batch_size: int,
    work_units: Sequence[float],
    replicas: int = 1,
) -> tuple[int, ...]:
    """The cheapest step from `level` on that is as certain as a plain batch there.

    Args:
        measured: As in `evidence`.
        level: Finest level of the step.
        batch_size: Size of the plain batch.
        work_units: Cost of one sample of every level.
        replicas: Number of replicas that share every batch.

    Returns:
        Batch sizes from `level` on: `(batch_size,)` unless enough was measured to know that a
        telescoping sum is clearly cheaper.
    """
    plain = (batch_size,)
    recent = _recent(measured, level)
    if sum(m.samples for m in recent) < ENOUGH:
        return plain
    variances = _mean_of(recent, "variance"), _mean_of(recent, "difference")
    if not np.all(np.isfinite(variances)) or not np.all(variances[0] > 0.0):
        return plain
    alone = np.array(work_units[level:])
    costs = np.stack([alone, alone + np.append(alone[1:], 0.0)], axis=1)
    table = np.stack([variances[0], np.maximum(variances[1], 0.0)], axis=1)
    fixed = [OVERHEAD] * len(alone)
    sizes = allocation.optimal_batch_sizes(
        table, costs, variance=table[0, 0] / batch_size, replicas=replicas, fixed_costs=fixed
    )
    _, prices = allocation.hierarchies(table, costs)[len(sizes) - 1]
    cost = float(prices @ np.array(sizes)) + OVERHEAD * len(sizes)
    return sizes if cost < WORTHWHILE * (alone[0] * batch_size + OVERHEAD) else plain


def _mean_of(recent: Sequence[Measurement], name: str) -> np.ndarray:
    return np.mean([getattr(m.found, name) for m in recent], axis=0)
