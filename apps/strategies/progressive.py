"""Coarse to fine with the same task on every level, but no telescoping sum: a rival."""

from __future__ import annotations

from typing import Any

from ..experiment.settings import Settings
from .planned import Staged
from .strategy import check_stages, refuse_auto_levels

NAMES = {"progressive": "Progressive"}


class Progressive(Staged):
    """A stage per level, of plain batches of that level."""

    label = "progressive"

    def check(self, settings: Settings) -> None:
        """There are steps for the stage of every level, and batch sizes."""
        check_stages(settings, self)
        refuse_auto_levels(settings, self, "does not measure")

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """Plain batches."""
        return {**super().data_options(settings), "telescoping": False}
