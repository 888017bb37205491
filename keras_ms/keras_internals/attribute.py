"""An attribute that a model has for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import keras


@contextlib.contextmanager
def attribute(model: keras.Model, name: str, value: Any) -> Iterator[None]:
    """Gives a model an attribute that Keras does not track, for a while."""
    before = model.__dict__.get(name)
    object.__setattr__(model, name, value)
    try:
        yield
    finally:
        if before is None:
            object.__delattr__(model, name)
        else:
            object.__setattr__(model, name, before)
