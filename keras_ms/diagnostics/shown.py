"""How a report shows itself: in a line, in a notebook, as a figure."""

from __future__ import annotations

import os
from typing import Any

from keras_ms import notebooks
from keras_ms.diagnostics.plots import drawn, save_plot
from keras_ms.diagnostics.table import cells


class ShownReport:
    """Gives a `LevelReport` its short forms; the long one is `told`."""

    def __repr__(self: Any) -> str:
        return f"<LevelReport of {self.num_levels} levels: {self.commands[0].flags}>"

    def _repr_html_(self: Any) -> str:
        """The table that one decides by, and what is advised."""
        columns, rows, caption = cells(self, details=False)
        first = self.commands[0]
        advice = f"{caption}\n\nSums: {self.advice}\n\n{first.told('')}"
        return notebooks.table("What levels are worth", columns, rows) + notebooks.text(advice)

    def plot(self: Any, path: str | os.PathLike[str] | None = None) -> Any:
        """A figure of variance, bias, and cost ratio by level.

        Args:
            path: Where to save it; the suffix is the format. Defaults to saving nothing.

        Returns:
            The `matplotlib.figure.Figure`, which a notebook shows.

        Example:
            >>> report = keras_ms.LevelReport.load("report.json")  # doctest: +SKIP
            >>> report.plot().savefig("levels.pdf")  # doctest: +SKIP
        """
        if path is not None:
            return save_plot({"": self}, path)
        return drawn({"": self})
