"""Which loss, and which output of the network, a target of a user's own belongs to."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.data.examples import leaf_names
from keras_ms.keras_internals.graphs import checked_output_spec


def loss_of(model: Any, path: list[str]) -> Any:
    """The loss of the target at a path below `y`, as it was compiled; `None` if there is none."""
    loss = model.loss
    for step in path:
        if isinstance(loss, Mapping):
            names = getattr(model, "output_names", None) or list(loss)
            by_place = names[int(step)] if step.isdigit() and int(step) < len(names) else step
            loss = loss.get(step, loss.get(by_place))
        elif isinstance(loss, Sequence) and not isinstance(loss, str):
            loss = loss[place_of(model, step)] if place_of(model, step) < len(loss) else None
    if isinstance(loss, (Mapping, list, tuple)):  # of one target that stands alone
        only = keras.tree.flatten(loss)
        loss = only[0] if len(only) == 1 else None
    return loss


def last_side_of(model: Any, path: list[str]) -> int | None:
    """Last side of the output that a target at a path below `y` belongs to, if it is known."""
    outputs = keras.tree.flatten(getattr(model, "outputs", None) or [])
    place = place_of(model, path[-1]) if path and len(outputs) > 1 else 0
    return (
        outputs[place].shape[-1] if len(outputs) > place and (path or len(outputs) == 1) else None
    )


def outputs_by_name(model: Any, names: Iterable[str], made: Any = None) -> dict[str, Any]:
    """Outputs of a model by name of target, where it can be told which is whose.

    Args:
        model: The model.
        names: Names of leaves.
        made: What the model returns. Defaults to the outputs of a functional model.
    """
    outputs = keras.tree.flatten(made or getattr(model, "outputs", None) or [])
    targets = [name for name in names if name.partition("/")[0] == "y"]
    if len(targets) != len(outputs):
        return {}
    places = {name: place_of(model, name.split("/")[-1]) for name in targets}
    if len(outputs) == 1:
        return {targets[0]: outputs[0]}
    return {name: outputs[place] for name, place in places.items() if place < len(outputs)}


def outputs_on(model: Any, dataset: MultiscaleDataset, level: int) -> dict[str, Any]:
    """What a model that is built returns on a level, by name of target: symbols with their sides.

    Empty where that cannot be told.
    """
    if not model.built:
        return {}
    spec = dataset.pair_spec(level)
    x = keras.tree.map_structure(lambda s: keras.KerasTensor(tuple(s.shape), s.dtype.name), spec[0])
    try:
        made = checked_output_spec(model, x)
    except Exception:  # whatever layers raise; that a network does not fit is said elsewhere
        return {}
    return outputs_by_name(model, leaf_names(spec), keras.tree.flatten(made))


def place_of(model: Any, step: str) -> int:
    """Number of the output that a name, or a number, of a target means."""
    names = getattr(model, "output_names", None) or []
    if step in names:
        return names.index(step)
    return int(step) if step.isdigit() else len(names)


def kind_of(loss: Any) -> str:
    """Which loss of Keras, or of this library, a compiled one is; empty for one's own.

    A name says nothing: anybody may call a function `sparse_something`. With arguments bound by
    `functools.partial` a loss is what it was; one of a class whose `call` is one's own is not.

    Example:
        >>> bound = functools.partial(keras.losses.huber, delta=2.0)
        >>> kind_of("mse"), kind_of(keras.losses.Huber()), kind_of(bound), kind_of(print)
        ('mean_squared_error', 'huber', 'huber', '')
    """
    loss = keras.losses.get(loss) if isinstance(loss, str) else loss
    if inspect.isclass(loss):
        return _snake(loss.__name__) if _is_public(loss) else ""
    if isinstance(loss, keras.losses.Loss):
        if not _is_public(type(loss).call):
            return ""
        if not hasattr(loss, "fn"):
            return _snake(type(loss).__name__)
    function = _unbound(getattr(loss, "fn", loss))
    return function.__name__ if inspect.isfunction(function) and _is_public(function) else ""


def option_of(loss: Any, name: str, default: Any) -> Any:
    """An option that a loss was made with: of its object, or bound by `functools.partial`."""
    if hasattr(loss, name):
        return getattr(loss, name)
    function = getattr(loss, "fn", loss)
    while isinstance(function, functools.partial):
        if name in function.keywords:
            return function.keywords[name]
        function = function.func
    return default


def name_of(loss: Any) -> str:
    """What to call a loss, for people."""
    if kind := kind_of(loss):
        return kind
    function = _unbound(loss)
    name = getattr(function, "__name__", "") or getattr(function, "name", "")
    return str(name or type(function).__name__)


def _unbound(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function


def _is_public(of: Any) -> bool:
    return (getattr(of, "__module__", "") or "").partition(".")[0] in ("keras", "keras_ms")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
