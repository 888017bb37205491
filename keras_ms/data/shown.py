"""How a dataset shows itself in a notebook."""

from __future__ import annotations

from typing import Any

from keras_ms import notebooks
from keras_ms.data.last_fit import LastFit


class ShownDataset:
    """Gives a dataset that can `describe` itself the page that notebooks show."""

    last_fit: LastFit | None = None
    """What the last `fit` on this very object has decided; `None` if there was none."""

    def _repr_html_(self: Any) -> str:
        """What the dataset makes of its examples, and some of them on every level."""
        found = self.describe()
        seen = notebooks.picture(found._repr_png_(), "examples on every level, finest first")
        return notebooks.text(str(found)) + seen
