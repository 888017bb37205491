"""Plain training on the finest level: what everything else is compared with."""

from __future__ import annotations

from typing import Any

from ..experiment.settings import Settings
from .planned import Planned
from .strategy import on_one_level

NAMES = {"single_scale": "SingleScale"}


class SingleScale(Planned):
    """Plain batches of `--single_scale_batch` images."""

    label = "single-scale"

    def data_options(self, settings: Settings) -> dict[str, Any]:
        """One level."""
        return {**super().data_options(settings), **on_one_level(settings)}
