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
    costs = Costs(quick="a minute", paper="hours on a GPU")

    def cells(self, asked: Asked) -> list[Cell]:
        """Descents; trainings, and what comes of them; a seed."""
        of_convex, of_network = SCALES[asked.scale]
        found = []
        for seed in asked.seeds:
            key = {"data": asked.data, "seed": seed}
            found += convex.cells(key, of_convex)
            found += network.cells(key, of_network)
        return found

    def tables(self, asked: Asked, rows: Rows) -> list[Table]:
        """Least squares; the network."""
        tables = [
            convex.table(signal, [rows[convex.name_of(asked.data, signal, s)] for s in asked.seeds])
            for signal in convex.SIGNALS
        ]
        counts = [rows[network.name_of(asked.data, "iterations", s)] for s in asked.seeds]
        return [*tables, network.table(SCALES[asked.scale][1], counts)]

    def plot(self, asked: Asked, rows: Rows, path: pathlib.Path) -> None:
        """Iterations by mesh, and the network's errors while it trains; first seed."""
        from ...experiment import plots

        seed = asked.seeds[0]
        figure, ((*of_convex, last),) = plots.panels(1, 3, (15.0, 4.0))
        for axes, signal in zip(of_convex, convex.SIGNALS, strict=True):
            convex.draw(axes, signal, rows[convex.name_of(asked.data, signal, seed)])
        network.draw(last, SCALES[asked.scale][1], asked.data, seed, rows)
        for axes in (*of_convex, last):
            axes.grid(alpha=0.3)
            axes.legend()
            plots.in_decades(axes.yaxis)
        plots.save(figure, path)
