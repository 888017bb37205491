"""Full-Multiscale training: coarse problems first, each the hot start of the next finer one."""

from __future__ import annotations

from typing import Any

from ..experiment.settings import Settings
from .planned import Staged
from .strategy import check_stages, on_all_levels

NAMES = {"full_multiscale": "FullMultiscale"}


class FullMultiscale(Staged):
    """A stage per level, of telescoping sums over the levels from there on (Algorithm 2)."""

    label = "full-multiscale"
    telescoping = True
    keeps_terms = True

    def check(self, settings: Settings) -> None:
        """There are steps for the stage of every level."""
        check_stages(settings, self)

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """The levels asked for, or those that measured gradients decide."""
        return {**super().data_options(settings), **on_all_levels(settings)}
