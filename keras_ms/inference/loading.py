"""Models that were exported, from a folder or by the names of those that come with keras_ms."""

from __future__ import annotations

import json
import os
import pathlib

import tensorflow as tf

from keras_ms.inference.exporting import DETAILS
from keras_ms.inference.restoring import Restorer

_PACKAGE = pathlib.Path(__file__).parents[1]
# In the wheel they are within the package, in a clone beside it.
FOLDERS = (_PACKAGE / "saved_models", _PACKAGE.parent / "saved_models")


def names() -> tuple[str, ...]:
    """Names of the models that come with keras_ms, for `load`.

    Example:
        >>> keras_ms.inference.names()
        ('deblurring', 'denoising', 'inpainting', 'super_resolution')
    """
    found = {path.parent.name for folder in FOLDERS for path in folder.glob("*/saved_model.pb")}
    return tuple(sorted(found))


def load(model: str | os.PathLike[str]) -> Restorer:
    """Loads a model of pictures.

    Args:
        model: One of `names()`, or the folder that `export` or `apps.train` wrote; write
            `./denoising` for a folder called like one of the names.

    Returns:
        What `restore` takes.

    Raises:
        ValueError: If there is none.

    Example:
        >>> denoiser = keras_ms.inference.load("denoising")
        >>> denoiser.scale, denoiser.receptive_field, denoiser.conditional
        (1, 8, False)
    """
    if not isinstance(model, (str, os.PathLike)):
        raise ValueError(
            "A model is loaded by name or from a folder. "
            f"Received: {model!r}. Use one of {names()}, or a path."
        )
    path = _folder(model)
    if not (path / "saved_model.pb").is_file() or not (path / DETAILS).is_file():
        raise ValueError(
            f"There is no exported model. Received: {str(model)!r}. Use one of {names()}, or a "
            "folder that keras_ms.inference.export wrote."
        )
    details = json.loads((path / DETAILS).read_text())
    loaded = tf.saved_model.load(str(path))
    taken = loaded.signatures["serving_default"].structured_input_signature[1]["pictures"].shape
    return Restorer(
        loaded,
        spatial_dims=len(taken) - 2,
        channels=taken[-1],
        scale=details["scale"],
        # Older files call it so.
        receptive_field=details.get("receptive_field", details.get("reach")),
        conditional=details["conditional"],
        output=details.get("output", "image"),
    )


def _folder(model: str | os.PathLike[str]) -> pathlib.Path:
    if model in names():
        return next(folder / model for folder in FOLDERS if (folder / model).is_dir())
    path = pathlib.Path(model)
    return path / "model" if (path / "model").is_dir() else path  # of what `apps.train` leaves
