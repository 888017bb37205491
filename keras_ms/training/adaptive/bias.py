"""The measured bias rule: whether a coarse gradient still leads to where the finer one does.

An optional part of `AdaptiveSchedule`, off unless asked for: in three long runs that measured, it
did decide, but they ended no better than runs whose stages were fixed beforehand. Pure NumPy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_ms.gradients.estimates import Estimates

ALIGNED = 0.25
"""Share of `|E g|^2` that a squared bias may take: within it the cosine is at least .86."""
RECENT = 3
"""Measurements that are pooled, since mean gradients swing from step to step."""


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
        """Squared bias over what a step may well be wrong by; above 1 the stage should end."""
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
    pooled = recent(measured, level - 1)
    if not pooled:
        return None
    variance = np.mean([m.rate_share * m.found.variance[1] for m in pooled]) / batch_size
    return Evidence(
        float(np.mean([m.found.squared_bias[1] for m in pooled])),
        float(variance),
        float(np.mean([m.found.squared_norm[0] for m in pooled])),
    )


def recent(measured: Sequence[Measurement], finest: int) -> list[Measurement]:
    """The latest measurements whose finest level is `finest`."""
    return [m for m in measured if m.finest == finest][-RECENT:]


def pooled_estimates(measured: Sequence[Measurement], finest: int) -> tuple[Estimates, int] | None:
    """Means of the recent estimates from `finest` on, and the samples that they rest on."""
    found = recent(measured, finest)
    if not found:
        return None
    fields = zip(*(m.found for m in found), strict=True)
    means = Estimates(*(np.mean(values, axis=0) for values in fields))
    return means, sum(m.samples for m in found)
