"""Table 6: how many levels."""

from __future__ import annotations

from ..comparison import Comparison
from ..contestants import BASELINES, FULL, REFERENCE
from ..scales import Scale
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
SINGLE = {"paper_unet": ".1918", "paper_resnet": ".1629"}


class Levels(Comparison):
    """Denoising of STL-10 on 4, 3 and 2 levels."""

    title = "Table 6, number of levels"
    makes = (
        "multiscale and full-multiscale on 4, 3 and 2 levels, beside single-scale, by 2 networks"
    )
    paper_data = "stl10"
    costs = Costs(quick="7 minutes, 2 after table 2", paper="5 days of a GPU")
    task = "denoising"

    def all_entries(self, scale: Scale) -> list[Entry]:
        """Levels that there are; the most of them are those of table 2."""
        found = []
        for network, printed in SINGLE.items():
            found.append(Entry(network, REFERENCE, printed))
            for (owner, levels), both in PAPER.items():
                if owner == network and levels <= scale.levels:
                    fewer = None if levels == scale.levels else levels
                    found += [Entry(network, MULTISCALE, both[0], fewer)]
                    found += [Entry(network, FULL, both[1], fewer)]
            found += [Entry(network, row) for row in BASELINES]
        return found

    def label(self, entry: Entry) -> str:
        """The number of levels, where there are all of them, too."""
        told = super().label(entry)
        return (
            told if entry.levels or entry.row not in (MULTISCALE, FULL) else f"{told}, all levels"
        )
