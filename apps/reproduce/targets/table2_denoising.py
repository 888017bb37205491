"""Table 2, the block of denoising."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..strategy_tables import Table2
from ..target import Costs

NAMES = {"table2_denoising": "Denoising"}


class Denoising(Table2):
    """Denoising of STL-10."""

    title = "Table 2, denoising"
    makes = "five strategies, two ways of ours and two baselines by both networks"
    paper_data = "stl10"
    costs = Costs(quick="10 minutes", paper="4 days of a GPU")
    task = "denoising"
    paper: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "paper_unet": (".1918", ".1975", ".1567", ".3497", ".3489"),
        "paper_resnet": (".1629", ".1653", ".1658", ".2552", ".2233"),
    }
