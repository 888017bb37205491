"""Models that were exported, from a folder or by the names of those that come with keras_ms."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import tensorflow as tf

from keras_ms.inference import details as detailed
from keras_ms.inference import probing
from keras_ms.inference.details import Details
from keras_ms.inference.restoring import Restorer
from keras_ms.inference.trust import check_trusted
from keras_ms.validation import shown

_PACKAGE = pathlib.Path(__file__).parents[1]
# In the wheel they are within the package, in a clone beside it.
OF_KERAS = (".keras", ".h5", ".hdf5")
FOLDERS = (_PACKAGE / "saved_models", _PACKAGE.parent / "saved_models")


def names() -> tuple[str, ...]:
    """Names of the models that come with keras_ms, for `load`.

    Returns:
        The names, sorted.

    Example:
        >>> keras_ms.inference.names()
        ('deblurring', 'denoising', 'inpainting', 'super_resolution')
    """
    found = {path.parent.name for folder in FOLDERS for path in folder.glob("*/saved_model.pb")}
    return tuple(sorted(found))


def load(model: str | os.PathLike[str], trust: bool = False) -> Restorer:
    """Loads a model of pictures.

    Args:
        model: One of `names()`, or the folder that `export` or `apps.train` wrote; write
            `./denoising` for a folder called like one of the names.
        trust: Whether it may do more than compute, such as write files; see `effects`. Defaults to
            `False`.

    Returns:
        What `restore` takes.

    Raises:
        ValueError: If there is none, it is damaged, it does more than compute and is not trusted,
            or it is not what is written beside it: it runs on tiny pictures, which show how much
            it enlarges and about how far it looks.

    Warns:
        UserWarning: If it does more than compute and is trusted.

    Example:
        >>> denoiser = keras_ms.inference.load("denoising")
        >>> denoiser.scale, denoiser.receptive_field, denoiser.conditional
        (1, 29, False)
    """
    if not isinstance(model, (str, os.PathLike)):
        raise ValueError(
            "A model is loaded by name or from a folder. "
            f"Received: {shown(model)}. Use one of {names()}, or a path."
        )
    path = _folder(model)
    if not (path / "saved_model.pb").is_file() or not (path / detailed.PLACE).is_file():
        raise ValueError(f"There is no exported model. Received: {str(model)!r}{_mend(path)}")
    details = detailed.read(path)
    check_trusted(path, trust)
    try:
        loaded = tf.saved_model.load(str(path))
        dims, channels = _checked(loaded, details)
    except Exception as error:  # damaged files fail in many ways
        reason = f"{error} ".splitlines()[0][:300].strip() or type(error).__name__
        raise ValueError(
            f"The model is damaged, or not what it says it is. Received: {str(model)!r} "
            f"({reason}). Export it again."
        ) from error
    return Restorer(loaded, dims, channels, *details)


def _checked(loaded: Any, details: Details) -> tuple[int, int]:
    """Spatial axes and channels of the pictures that a model takes, which is what it should be."""
    signatures = loaded.signatures
    taken = signatures["serving_default"].structured_input_signature[1]
    shape = tuple(taken["pictures"].shape.as_list())
    if len(shape) not in (3, 4, 5) or shape[-1] is None or set(shape[:-1]) != {None}:
        raise ValueError(f"it takes {shape}, and no pictures of any size")
    if details.conditional != ("noise_level" in taken):
        raise ValueError(f"it is told {', '.join(taken)}, but conditional={details.conditional}")
    (returned,) = signatures["serving_uint8"].structured_outputs.values()
    if (returned.dtype == tf.uint8) != (details.output == "image"):
        raise ValueError(f"it returns {returned.dtype.name}, but output={shown(details.output)}")
    dims, channels = len(shape) - 2, shape[-1]
    probing.check(loaded, details, dims, channels)
    return dims, channels


def _mend(path: pathlib.Path) -> str:
    """What is there in place of an exported model, and what to do about it."""
    usual = f"Use one of {names()}, or a folder that keras_ms.inference.export wrote."
    if path.is_file() and path.suffix in OF_KERAS:
        loaded = f"keras.models.load_model({str(path)!r})"
        return (
            f", a file of Keras. Use keras_ms.inference.prepare({loaded}, mean, std), which "
            "`restore` takes; or keras_ms.inference.export(model, folder, mean, std) once, and the "
            "folder here."
        )
    if path.is_file():
        return f", a file and no folder. {usual}"
    if (path / "saved_model.pb").is_file():
        return f", a SavedModel that keras_ms.inference.export did not write. {usual}"
    return f". {usual}"


def _folder(model: str | os.PathLike[str]) -> pathlib.Path:
    if model in names():
        return next(folder / model for folder in FOLDERS if (folder / model).is_dir())
    path = pathlib.Path(model)
    return path / "model" if (path / "model").is_dir() else path  # of what `apps.train` leaves
