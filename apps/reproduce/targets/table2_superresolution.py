"""Table 2, the block of super-resolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..strategy_tables import Table2
from ..target import Costs

NAMES = {"table2_superresolution": "SuperResolution"}


class SuperResolution(Table2):
    """Super-resolution of Urban100; by the ESPCN that the paper cites, too."""

    title = "Table 2, super-resolution"
    makes = "five strategies, two ways of ours and two baselines by three networks"
    paper_data = "urban100"
    costs = Costs(quick="6 minutes", paper="a day of a GPU")
    task = "super_resolution"
    metric = "authors_ssim"
    paper: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "paper_sr_convnet": (".8629", ".8326", ".8274", ".7590", ".7663"),
        "paper_sr_resnet": (".8672", ".8327", ".8231", ".7504", ".7617"),
        "espcn": (),
    }
