"""Theorem 1: hot-started, every finer mesh takes fewer iterations to a fixed error.

As it is stated, for least squares in one dimension; and for the paper's network.
"""

from __future__ import annotations

import pathlib

from ..analysis import theorem1_convex as convex
from ..analysis import theorem1_network as network
from ..target import Asked, Cell, Costs, Rows, Table, Target

NAMES = {"theorem1": "Theorem1"}

SCALES = {
    "paper": (convex.Scale(), network.Scale()),
    "quick": (
        convex.Scale(lines=1000),
        network.Scale(16, 128, (2, 4, 8, 16), 200, 10, 1e-3, 64, guess=120.0),
    ),
    "tiny": (
        convex.Scale(64, 16, 60, batch=8),
        network.Scale(4, 16, (1, 2), 4, 2, 1e-3, 4, guess=2.0),
    ),
}


class Theorem1(Target):
    """Theorem 1."""

    title = "Theorem 1"
    makes = "iterations to a fixed error on every level, hot-started and cold"
    paper_data = "stl10"
    costs = Costs(quick="8 minutes", paper="hours on a GPU")

    def cells(self, asked: Asked) -> list[Cell]:
        """Descents; trainings, and what comes of them; a seed."""
        of_convex, of_network = SCALES[asked.scale]
        found = []
        for seed in asked.seeds:
            key = {"data": asked.data, "seed": seed}
            found.append(convex.cell(network.name_of(asked.data, "convex", seed), key, of_convex))
            found += network.cells(key, of_network)
        return found

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """Least squares; the network."""
        of_convex, counts = (
            [rows[network.name_of(asked.data, what, seed)] for seed in asked.seeds]
            for what in ("convex", "iterations")
        )
        return [convex.table(of_convex), network.table(SCALES[asked.scale][1], counts)]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """Iterations by mesh, and the network's errors while it trains; first seed."""
        from ...experiment import plots

        seed = asked.seeds[0]
        figure, ((left, right),) = plots.panels(1, 2, (11.0, 4.0))
        convex.draw(left, rows[network.name_of(asked.data, "convex", seed)])
        network.draw(right, SCALES[asked.scale][1], asked.data, seed, rows)
        for axes in (left, right):
            axes.grid(alpha=0.3)
            axes.legend()
            plots.in_decades(axes.yaxis)
        plots.save(figure, path)
