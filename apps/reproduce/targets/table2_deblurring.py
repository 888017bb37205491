"""Table 2, the block of deblurring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..strategy_tables import Table2
from ..target import Costs

NAMES = {"table2_deblurring": "Deblurring"}


class Deblurring(Table2):
    """Deblurring of STL-10."""

    title = "Table 2, deblurring"
    makes = "five strategies, two ways of ours and two baselines by both networks"
    paper_data = "stl10"
    costs = Costs(quick="10 minutes", paper="4 days of a GPU")
    task = "deblurring"
    paper: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "paper_unet": (".1510", ".1458", ".1561", ".3671", ".3527"),
        "paper_resnet": (".1189", ".1211", ".1557", ".1901", ".1899"),
    }
