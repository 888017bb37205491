"""Multiscale Gradient Estimation: telescoping sums over all levels from the first step on."""

from __future__ import annotations

from typing import Any

from ..experiment.settings import Settings
from .planned import Planned
from .strategy import check_levels, on_all_levels

NAMES = {"multiscale": "Multiscale"}


class Multiscale(Planned):
    """Every step is the telescoping sum of all levels (Algorithm 1)."""

    label = "multiscale"
    telescoping = True
    keeps_terms = True

    def check(self, settings: Settings) -> None:
        """There are levels to sum over."""
        check_levels(settings, self)

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """The levels asked for, or those that measured gradients decide."""
        return {**super().data_options(settings), **on_all_levels(settings)}
