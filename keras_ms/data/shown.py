"""How a dataset shows itself: in the errors of others, and in a notebook."""

from __future__ import annotations

from typing import Any

from keras_ms import notebooks


class ShownDataset:
    """Gives a dataset that can `describe` itself a line, and the page that notebooks show."""

    def __repr__(self: Any) -> str:
        # Keras shows it where a stock model is given it, whatever was called.
        return (
            f"<MultiscaleDataset of meshes {self.mesh_sizes}: for `fit` of a "
            "keras_ms.MultiscaleModel, which MultiscaleModel.from_model(model) makes of any "
            "functional or Sequential model. `evaluate`, `predict` and validation_data take arrays "
            "or batches of the finest mesh, such as keras_ms.data.evaluation_pairs(...) or "
            "FolderPairs(...).batches()>"
        )

    def _repr_html_(self: Any) -> str:
        """What the dataset makes of its examples, and some of them on every level."""
        found = self.describe()
        seen = notebooks.picture(found._repr_png_(), "examples on every level, finest first")
        return notebooks.text(str(found)) + seen
