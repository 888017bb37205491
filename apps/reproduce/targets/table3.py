"""Table 3: faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..strategy_tables import Table3
from ..target import Costs

NAMES = {"table3": "Faces"}


class Faces(Table3):
    """Denoising of CelebA."""

    title = "Table 3, denoising of CelebA"
    makes = "three strategies and two baselines by both networks"
    paper_data = "celeb_a"
    costs = Costs(quick="6 minutes, none after table 2", paper="4 days of a GPU")
    task = "denoising"
    paper: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "paper_unet": (".0663", ".0721", ".0484"),
        "paper_resnet": (".0553", ".0589", ".0556"),
    }
