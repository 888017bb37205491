"""What loading a Keras archive (`.keras`) does besides making layers, found without loading it.

Keras's safe mode, which is on unless it is told otherwise, refuses what is found here. Earlier
versions than 3.13 do not refuse all of it.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable
from typing import Any

from keras_ms.inference.graph_effects import Effect

CONFIG = "config.json"
LONGEST = 2**26  # bytes of it
CLASSES = {
    "__lambda__": "runs Python that is in the file",
    "TFSMLayer": "loads a SavedModel from elsewhere",
    "TorchModuleWrapper": "unpickles Python objects that are in the file",
}
LOOKUPS = ("IntegerLookup", "StringLookup", "TextVectorization")
NO_PARTS = ("backend", "config", "datasets", "export", "preprocessing", "saving", "utils")
"""Modules of Keras that hold no parts of models, but what reads, writes and downloads files."""


def config_of(path: str | os.PathLike[str]) -> Any:
    """The description of the model in an archive.

    Raises:
        ValueError: If it is no archive of Keras.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(CONFIG) as file:
            text = file.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise ValueError(f"{CONFIG} has more than {LONGEST} bytes")
        return json.loads(text)
    except Exception as error:  # damaged archives fail in many ways
        raise ValueError(
            f"There is no archive of Keras. Received: {os.fspath(path)!r} ({error})."
        ) from error


def effects_of_config(config: Any) -> tuple[Effect, ...]:
    """What making a model of its description does besides making layers.

    Args:
        config: What `config.json` holds: dictionaries, lists, texts and numbers.

    Returns:
        Sorted by what they do; empty for a model of layers only.

    Example:
        >>> effects_of_config({"class_name": "TFSMLayer", "config": {"filepath": "there"}})
        (Effect(name='TFSMLayer', does='loads a SavedModel from elsewhere', where='config.json'),)
    """
    found = {Effect(name, does, CONFIG) for part in _parts(config) for name, does in _of(part)}
    return tuple(sorted(found, key=lambda effect: (effect.does, effect.name)))


def _of(part: dict[str, Any]) -> Iterable[tuple[str, str]]:
    name, config = str(part.get("class_name")), part.get("config")
    if name in CLASSES:
        yield name, CLASSES[name]
    if name in LOOKUPS and isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        yield name, "reads a file of words"
    _, _, module = str(part.get("module") or "").partition("keras.")
    called = str(config) if name == "function" else name
    if module.split(".")[0] in NO_PARTS or (module == "models" and called[:1].islower()):
        yield f"keras.{module}.{called}", "calls a function of Keras that is no part of a model"


def _parts(config: Any) -> Iterable[dict[str, Any]]:
    """All dictionaries within, however deep."""
    ahead = [config]
    while ahead:
        part = ahead.pop()
        if isinstance(part, dict):
            yield part
            ahead += part.values()
        elif isinstance(part, list):
            ahead += part
