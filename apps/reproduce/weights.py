"""Weights of a trained network, for cells that come after the one that trained it."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

    from .target import Given, Row

SUFFIX = ".npz"


def save(model: keras.Model, given: Given) -> Row:
    """Writes weights beside the cell that is computed.

    Returns:
        What its row says of them.
    """
    import numpy as np

    from keras_ms import safe_files

    path = given.beside(SUFFIX)
    with safe_files.whole(path) as unfinished:
        np.savez(unfinished, *model.get_weights())
    return {"weights": path.name}


def load(model: keras.Model, row: Row, path: pathlib.Path) -> None:
    """Gives a network the weights that another cell saved.

    Args:
        model: The network.
        row: That cell's row.
        path: The JSON file of a cell in the same folder.

    Raises:
        ValueError: If they are no longer there.
    """
    import numpy as np

    file = path.with_name(row["weights"])
    if not file.exists():
        raise ValueError(
            f"Weights that were saved are gone. Received: {file}. Remove "
            f"{file.with_suffix('.json')}, too, and they are trained again."
        )
    with np.load(file) as found:
        model.set_weights([found[f"arr_{index}"] for index in range(len(found.files))])
