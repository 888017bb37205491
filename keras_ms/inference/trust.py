"""Models of others: what they do besides computing, and whether they may."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Sequence
from typing import Any

from keras_ms.inference import archives
from keras_ms.inference.graph_effects import Effect, effects_of_saved_model
from keras_ms.validation import path_of

SAVED_MODEL = "saved_model.pb"
SHOWN = 10  # effects that a message names


def effects(path: str | os.PathLike[str]) -> tuple[Effect, ...]:
    """What a model's file does besides computing, without loading it.

    Of a SavedModel, operations that write or read files, run Python or use the network when it is
    loaded or called, and those that this TensorFlow does not know. Of a `.keras` file, what Keras's
    safe mode is there to refuse. A model that `export` wrote has nothing of the kind, unless
    its layers have.

    Args:
        path: The folder of a SavedModel, or a `.keras` file.

    Returns:
        Named tuples of `name`, `does` and `where`; empty for a model that only computes.

    Raises:
        ValueError: If it is neither, or is damaged.

    Example:
        >>> keras_ms.inference.effects("saved_models/denoising")
        ()
    """
    path = path_of(path, "path")
    if path.is_dir():
        return effects_of_saved_model(_saved_model(path / SAVED_MODEL))
    return archives.effects_of_config(archives.config_of(path))


def check_trusted(path: str | os.PathLike[str], trust: bool) -> None:
    """Refuses a SavedModel that does more than compute, or warns of it if it is trusted.

    Args:
        path: Its folder.
        trust: Whether it may.

    Raises:
        ValueError: If it does so and is not trusted, or is damaged.

    Warns:
        UserWarning: If it does so and is trusted.
    """
    found = effects(path)
    if not found:
        return
    if not trust:
        raise ValueError(
            "The model does more than compute, and is not loaded. Received: "
            f"{os.fspath(path)!r}, which has {_listed(found)}. Use trust=True (--trust) if you "
            "know who made it, and why it does so."
        )
    warnings.warn(
        f"{os.fspath(path)!r} does more than compute: it has {_listed(found)}.", stacklevel=3
    )


def _saved_model(path: pathlib.Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    try:
        return SavedModel.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise ValueError(
            f"The model is damaged, or not what it says it is. Received: {str(path)!r} ({error}). "
            "Export it again."
        ) from error


def _listed(found: Sequence[Effect]) -> str:
    # Names are those of the file, and may hold what a terminal obeys.
    shown = [f"{ascii(e.name)[:80]}, which {e.does} (in {ascii(e.where)[:80]})" for e in found]
    more = f"; and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return "; ".join(shown[:SHOWN]) + more
