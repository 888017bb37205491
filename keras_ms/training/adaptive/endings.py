"""When a stage ends, by budget or validation, and when a run does. Pure Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from keras_ms.training.extent import Extent

SHARE_OF_REST = 0.5
"""Of the budget left when a stage starts, what it may use if finer ones are to come."""
LEAST_IMPROVEMENT = 0.002
"""Decrease of the validation loss, over its size, that counts as one."""


class Unknown(int):
    """An integer that is shown as a question mark, as in the "Epoch 3/?" of a progress bar."""

    def __str__(self) -> str:
        return "?"

    def __format__(self, spec: str) -> str:
        try:
            return format("?", spec)
        except ValueError:  # a format of numbers, such as ",d"
            return "?"


EPOCHS = Unknown(1_000_000)
"""More epochs than any budget lasts."""


class Budget(NamedTuple):
    """What a run may spend: seconds or work units, one of the two."""

    seconds: float | None
    work_units: float | None

    def share(self, work_units: float, seconds: float) -> float:
        """Share of the budget that so much is."""
        if self.work_units is not None:
            return work_units / self.work_units
        return seconds / (self.seconds or math.inf)

    @property
    def extent(self) -> Extent:
        """All of it."""
        return Extent(self.work_units or math.inf, self.seconds or math.inf)

    def seconds_left(self, spent: float) -> float | None:
        """Seconds left, if the budget is one of seconds."""
        return None if self.seconds is None else self.seconds - spent


def used_up(begun: float, spent: float) -> dict[str, float]:
    """Whether a stage has used its share of the budget.

    Args:
        begun: Share of the whole budget that was spent when the stage started.
        spent: Share that is spent now.

    Returns:
        The share spent and the share allowed, or nothing if there is more to come.
    """
    allowed = begun + SHARE_OF_REST * (1.0 - begun)
    return {"share_spent": spent, "share_allowed": allowed} if spent >= allowed else {}


def stalled(losses: Sequence[float], patience: int) -> dict[str, float]:
    """Whether validation losses no longer fall.

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
