"""What came of the runs of one contestant."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np


class Entry(NamedTuple):
    """A contestant's runs.

    Attributes:
        rate: The learning rate it chose.
        runs: By budget, what is on file of its runs, a seed each.
    """

    rate: float
    runs: dict[float, list[dict[str, Any]]]

    def ends(self, budget: float) -> list[dict[str, Any]]:
        """The runs of a budget that started and whose loss is a number."""
        started = [run for run in self.runs.get(budget, []) if run["points"]]
        return [run for run in started if math.isfinite(run["loss"])]

    def median(self, budget: float) -> float:
        """Median of the loss over seeds; infinite if half of the runs or more have none."""
        runs, ended = self.runs.get(budget, []), self.ends(budget)
        losses = [run["loss"] for run in ended] + [math.inf] * (len(runs) - len(ended))
        return float(np.median(losses)) if losses else math.inf

    def seconds(self, budget: float) -> float:
        """Median of the measured seconds of runs that ended; not a number if there is none."""
        measured = [run["points"][-1]["seconds"] for run in self.ends(budget)]
        return float(np.median(measured)) if measured else math.nan

    @property
    def curve(self) -> list[tuple[float, float]]:
        """Measured seconds and losses, medians over seeds, by budget."""
        found = [(self.seconds(budget), self.median(budget)) for budget in sorted(self.runs)]
        return [(seconds, loss) for seconds, loss in found if math.isfinite(loss)]
