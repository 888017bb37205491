"""Table 2, the block of inpainting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..strategy_tables import Table2
from ..target import Costs

NAMES = {"table2_inpainting": "Inpainting"}


class Inpainting(Table2):
    """Inpainting of CelebA; trained on the mean squared error, judged by the SSIM."""

    title = "Table 2, inpainting"
    makes = "five strategies, two ways of ours and two baselines by both networks"
    paper_data = "celeb_a"
    costs = Costs(quick="10 minutes", paper="6 days of a GPU")
    task = "inpainting"
    metric = "authors_ssim"
    paper: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "paper_unet": (".8840", ".8627", ".8599", ".5891", ".6014"),
        "paper_resnet": (".8820", ".8463", ".8643", ".7690", ".7692"),
    }
