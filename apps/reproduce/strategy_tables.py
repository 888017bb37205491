"""What the tables of the paper have in common that compare strategies on networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from .comparison import Comparison
from .contestants import BASELINES, OF_TABLE_2, OF_TABLE_3, OURS
from .scales import Scale
from .training import Entry


class Strategies(Comparison):
    """A line a contestant.

    Attributes:
        paper: By network, what the paper prints of the first of `rows`.
        rows: The contestants.
    """

    paper: ClassVar[Mapping[str, tuple[str, ...]]]
    rows: ClassVar[tuple[str, ...]]

    def all_entries(self, scale: Scale) -> list[Entry]:
        """All contestants by all networks."""
        return [
            Entry(network, row, dict(zip(self.rows, printed, strict=False)).get(row, ""))
            for network, printed in self.paper.items()
            for row in self.rows
        ]


class Table2(Strategies):
    """A block of table 2: five strategies of the paper, two ways of ours, the baselines."""

    rows = (*OF_TABLE_2, *OURS, *BASELINES)


class Table3(Strategies):
    """Tables that leave crops out: three strategies and the baselines."""

    rows = (*OF_TABLE_3, *BASELINES)
