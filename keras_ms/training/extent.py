"""How much a run is to take, as far as is known before it: what measuring is compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from keras_ms.data import MultiscaleDataset
from keras_ms.levels import Levels

MEASURING_SHARE = 0.05
"""Of the work units of a run, and of its seconds, what measuring may take. In races of a minute the
candidates ended within a few percent of each other: that is not worth more."""
LEAST_SECONDS = 10.0
"""To trace what measures takes about so long: with less there is nothing to try."""


class Extent(NamedTuple):
    """What a run is to take; infinite where nobody knows.

    Attributes:
        work_units: Of all steps.
        seconds: Of training.
    """

    work_units: float = math.inf
    seconds: float = math.inf


WITHOUT_END = Extent()
"""Of a run that takes as long as it likes."""


def extent_of(
    callbacks: Sequence[Any], epochs: int, dataset: MultiscaleDataset, plain: int
) -> Extent:
    """What a `fit` is to take.

    Args:
        callbacks: Its callbacks. A schedule among them has `extent_of_run(costs)`: the `Extent` of
            its run, if a step of each stage costs so many work units, finest first.
        epochs: Up to which epoch it is to train.
        dataset: What it trains on.
        plain: The plain batch that a stage's step is worth, where its own is not decided yet.
    """
    costs = step_costs(dataset, plain)
    for callback in callbacks:
        if (of_run := getattr(callback, "extent_of_run", None)) is not None:
            return of_run(costs)
    return Extent(epochs * dataset.steps_per_epoch * sum(costs) / len(costs))


def step_costs(dataset: MultiscaleDataset, plain: int) -> list[float]:
    """Work units of a step of each stage, finest first; see `extent_of`."""
    levels = range(dataset.levels.num_levels)
    if dataset.allocation == "given":
        return [dataset.work_units(level) for level in levels]
    return [plain * dataset.levels.sample_work_units(level) for level in levels]


def comparing_work_units(
    levels: Levels, others: int, samples: int, groups: int, steps: int
) -> float:
    """Work units of comparing coarse problems.

    Args:
        levels: The hierarchy.
        others: Candidates beside the usual one.
        samples: Samples of level 0 in a group.
        groups: How many groups are measured.
        steps: Plain steps of one image before.
    """
    depth, dims = levels.num_levels, len(levels.axes)
    usual = levels.step_work_units(0, [samples << level for level in range(depth)])
    other = levels.step_work_units(1, [samples << dims * level for level in range(1, depth)])
    return steps + groups * (usual + others * other)


def too_much(cost: float, extent: Extent) -> str:
    """Why a run does not pay for so many work units of measuring, or an empty string."""
    if cost > MEASURING_SHARE * extent.work_units:
        of = f"{extent.work_units:,.0f}"
        return f"takes {cost:,.0f} work units, more than a twentieth of the run's {of}"
    if MEASURING_SHARE * extent.seconds < LEAST_SECONDS:
        return f"takes more than a twentieth of the run's {extent.seconds:,.0f} s"
    return ""
