"""What the paper claims of strategies, held against what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .contestants import FULL, REFERENCE
from .training import Entry, value

WITHIN = 1.03
SHARE_OF_WORK = 1 / 8
CROPPED = ("full_crops", "full_both")


def ratio(one: float | None, other: float | None) -> float | None:
    """How many times as large one value is, if both are known."""
    return None if one is None or not other else one / other


def of(metric: str, found: Mapping[Entry, Sequence[Any]]) -> list[str]:
    """Notes below a table: which claims hold, by medians over the seeds.

    Args:
        metric: `"loss"`, of which less is better, or a kind of SSIM.
        found: The rows of every entry, one a seed.
    """
    most = max((entry.levels or math.inf for entry in found), default=math.inf)
    usual = {
        entry.row: runs
        for entry, runs in found.items()
        if (entry.levels or math.inf) == most and not entry.budget
    }
    values = {row: _median(metric, runs) for row, runs in usual.items()}
    notes = [_against_crops(metric, values), _against_single(metric, values, usual)]
    return [note for note in notes if note]


def _median(metric: str, runs: Sequence[Any], which: str = "best") -> float | None:
    import numpy as np

    known = [one for run in runs if (one := value(run, metric, which)) is not None]
    return float(np.median(known)) if known else None


def better(metric: str, one: float, other: float) -> bool:
    """Whether one value is better than another."""
    return one < other if metric == "loss" else one > other


def _against_crops(metric: str, values: Mapping[str, float | None]) -> str:
    full, crops = values.get(FULL), [values.get(name) for name in CROPPED]
    if full is None or None in crops:
        return ""
    holds = all(better(metric, full, crop) for crop in crops if crop is not None)
    return f"Coarsening beats cropping: {_told(holds)}."


def _against_single(
    metric: str, values: Mapping[str, float | None], usual: Mapping[str, Sequence[Any]]
) -> str:
    full, single = values.get(FULL), values.get(REFERENCE)
    if metric != "loss" or full is None or single is None:
        return ""
    share = usual[FULL][0]["work_units"] / usual[REFERENCE][0]["work_units"]
    holds = full <= WITHIN * single and share <= SHARE_OF_WORK
    return (
        f"Full-Multiscale within {WITHIN - 1:.0%} of single-scale's MSE, or better, at most "
        f"{SHARE_OF_WORK:g} of its work: {_told(holds)} ({full / single:.2f} of the MSE at "
        f"{share:.3f} of the work)."
    )


def _told(holds: bool) -> str:
    return "holds here" if holds else "does not hold here"
