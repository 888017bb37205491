"""Held-out pictures as trained networks restore them, as a cell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import images, weights
from .scales import PRESET
from .target import Cell, Given, Key, Row

if TYPE_CHECKING:
    import numpy as np

PICTURES = 3
SUFFIX = ".pictures.npz"
SAMPLES = 16  # held-out crops that these are the first of


def cell_of(name: str, trainings: Sequence[Cell]) -> Cell:
    """The cell that restores by all networks of some trainings.

    Args:
        name: Of the cell; in the folder of the trainings.
        trainings: On one task, by one network.
    """
    key = {**trainings[0].key, "pictures": PICTURES, "trainings": tuple(t.name for t in trainings)}
    return Cell(name, restored, key, 5.0, key["trainings"])


def restored(key: Key, given: Given) -> Row:
    """Restores some held-out crops; pixels in [0, 1] go to a file.

    Returns:
        `pictures`, the name of that file; `psnr` and `ssim` by training.
    """
    import dataclasses

    import keras
    import numpy as np

    from keras_ms import safe_files

    from ..experiment import building, presets, quality
    from ..experiment.settings import Settings

    settings = presets.make(Settings, PRESET, **{name: key[name] for name in key["given"]})
    settings = dataclasses.replace(settings, validation_samples=SAMPLES)
    held_out = images.load(key, "validation", SAMPLES, settings.enlarged_by)
    targets = next(iter(building.make_validation(settings, held_out)))[1][: key["pictures"]]
    made = quality.make_pictures(settings, targets)
    found, judged = {"clean": made.clean, "degraded": made.degraded}, {}
    keras.config.set_dtype_policy(settings.dtype_policy)
    for name, row in given.rows.items():
        model = building.make_network(settings)
        weights.load(model, row, given.path)
        short = name.rpartition("/")[2].rpartition("-")[0]
        found[short] = quality.restored_by(model, settings, made)
        judged[short] = quality.measure(made.clean, found[short])
    path = given.beside(SUFFIX)
    with safe_files.whole(path) as unfinished:
        np.savez_compressed(unfinished, allow_pickle=False, **found)
    of = {which: {n: getattr(q, which) for n, q in judged.items()} for which in ("psnr", "ssim")}
    return {"pictures": path.name, **of}


def read(row: Row, folder: Any) -> list[dict[str, np.ndarray]]:
    """The pictures of a cell: for each, by title.

    Args:
        row: The cell's.
        folder: The folder of its JSON file.
    """
    import numpy as np

    with np.load(folder / row["pictures"]) as found:
        arrays = {name: found[name] for name in found.files}
    return [
        {name: of[index] for name, of in arrays.items()} for index in range(len(arrays["clean"]))
    ]
