"""Which loss, and which output of the network, a target of a user's own belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras


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


def outputs_by_name(model: Any, names: Iterable[str]) -> dict[str, Any]:
    """Outputs of a functional model by name of target, where it can be told which is whose."""
    outputs = keras.tree.flatten(getattr(model, "outputs", None) or [])
    targets = [name for name in names if name.partition("/")[0] == "y"]
    if len(targets) != len(outputs):
        return {}
    places = {name: place_of(model, name.split("/")[-1]) for name in targets}
    if len(outputs) == 1:
        return {targets[0]: outputs[0]}
    return {name: outputs[place] for name, place in places.items() if place < len(outputs)}


def place_of(model: Any, step: str) -> int:
    """Number of the output that a name, or a number, of a target means."""
    names = getattr(model, "output_names", None) or []
    if step in names:
        return names.index(step)
    return int(step) if step.isdigit() else len(names)


def name_of(loss: Any) -> str:
    """Name of a loss as Keras calls it, in lower case; empty if it has none."""
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    name = getattr(function, "__name__", "") or getattr(loss, "name", "")
    return name if "_" in name or name.islower() else _snake(name)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
