"""Table 6: how many levels."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar

from ..comparison import Comparison
from ..contestants import BASELINES, CONTESTANTS, FULL, REFERENCE
from ..scales import SCALES, Scale
from ..target import Costs
from ..training import Entry

NAMES = {"table6": "Levels"}

MULTISCALE = "multiscale"

# Network and levels: multiscale, Full-Multiscale.
PAPER = {
    ("paper_unet", 4): (".1975", ".1567"),
    ("paper_unet", 3): (".2010", ".1644"),
    ("paper_unet", 2): (".2641", ".1895"),
    ("paper_resnet", 4): (".1653", ".1658"),
    ("paper_resnet", 3): (".1741", ".1703"),
    ("paper_resnet", 2): (".2081", ".1730"),
}
FOUR_LEVELS = dataclasses.replace(SCALES["quick"], levels=4)
"""Three, as the other tables have with `--scale=quick`, would leave lines of the paper out."""
SINGLE = {"paper_unet": ".1918", "paper_resnet": ".1629"}


class Levels(Comparison):
    """Denoising of STL-10 on 4, 3 and 2 levels."""

    title = "Table 6, number of levels"
    makes = (
        "multiscale and full-multiscale on 4, 3 and 2 levels, beside single-scale, by 2 networks"
    )
    paper_data = "stl10"
    costs = Costs(quick="10 minutes", paper="5 days of a GPU")
    task = "denoising"
    scales: ClassVar[Mapping[str, Scale]] = {**SCALES, "quick": FOUR_LEVELS}

    def all_entries(self, scale: Scale) -> list[Entry]:
        """Levels that there are; where table 2 has as many, the most of them are its cells."""
        all_levels = scale.levels if scale is FOUR_LEVELS else None
        found = []
        for network, printed in SINGLE.items():
            found.append(Entry(network, REFERENCE, printed, all_levels))
            for (owner, levels), both in PAPER.items():
                if owner == network and levels <= scale.levels:
                    number = all_levels if levels == scale.levels else levels
                    found += [Entry(network, MULTISCALE, both[0], number)]
                    found += [Entry(network, FULL, both[1], number)]
            found += [Entry(network, row, "", all_levels) for row in BASELINES]
        return found

    def label(self, entry: Entry) -> str:
        """The number of levels, of strategies that have several."""
        if entry.row not in (MULTISCALE, FULL):
            return CONTESTANTS[entry.row].label
        return super().label(entry) if entry.levels else f"{super().label(entry)}, all levels"
