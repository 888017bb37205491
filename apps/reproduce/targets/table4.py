"""Table 4: deeper networks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from ..scales import SCALES, Scale
from ..strategy_tables import Table3
from ..target import Costs

NAMES = {"table4": "Deeper"}


class Deeper(Table3):
    """Denoising of STL-10 by deeper networks."""

    title = "Table 4, deeper networks"
    makes = "three strategies and two baselines by ResNet-18, ResNet-50 and a UNet of 5 meshes"
    paper_data = "stl10"
    costs = Costs(quick="9 minutes", paper="4 days of a GPU")
    task = "denoising"
    scales: ClassVar[Mapping[str, Scale]] = {
        **SCALES,
        # Starting up alone, of every level, takes ResNet-50 half a minute.
        "quick": dataclasses.replace(SCALES["quick"], levels=2, steps=50),
    }
    paper: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "resnet18_encoder": (".1623", ".1622", ".1588"),
        "resnet50_encoder": (".1614", ".1611", ".1598"),
        "unet5": (".1610", ".1604", ".1597"),
    }
