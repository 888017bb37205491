"""Variables that no list of Keras has: those of losses and optimizers with a memory or seeds."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

DEPTH = 4
"""How far within the attributes of a loss they are looked for."""


def held_by(root: Any, depth: int = DEPTH) -> list[Any]:
    """Variables, and states of seeds, that an object of one's own holds.

    Of layers within it only seeds are listed: their weights, such as those of the network of a
    perceptual loss, are not trained.

    Args:
        root: A loss, an optimizer, a function, or several of them.
        depth: How far within attributes, containers and closures to look.
    """
    return list(_found(root, depth, set()))


def _found(value: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, keras.Variable | tf.Variable):
        yield value
    elif isinstance(value, keras.random.SeedGenerator | tf.random.Generator):
        yield value.state
    elif isinstance(value, keras.layers.Layer):
        weights = set(map(id, value.weights))
        yield from (v for v in value.variables if id(v) not in weights)
    elif depth > 0:
        for part in _parts(value):
            yield from _found(part, depth - 1, seen)


def _parts(value: Any) -> list[Any]:
    """What an object consists of, as far as it may hold variables."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set):
        return list(value)
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, Callable) and hasattr(value, "__closure__"):  # type: ignore[arg-type]
        return _enclosed(value)
    if isinstance(value, type) or type(value).__module__ == "builtins":
        return [getattr(value, "__self__", None)]
    return list(getattr(value, "__dict__", {}).values())


def _enclosed(function: Any) -> list[Any]:
    """What a function or method has from where it was made."""
    cells = function.__closure__ or ()
    found = [getattr(function, "__self__", None)]
    for cell in cells:
        try:
            found.append(cell.cell_contents)
        except ValueError:  # not filled yet
            continue
    return found
