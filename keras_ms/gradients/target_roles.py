"""What the loss of a model tells of the targets of a dataset: class maps, or images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.target_values import check_values
from keras_ms.gradients.whole_numbers import of_whole_numbers

_OF_VALUES = (
    "cosine_similarity",
    "huber",
    "log_cosh",
    "logcosh",
    "mae",
    "mape",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "mse",
    "msle",
    "negative_ssim",
    "poisson",
)
"""Losses that compare values: targets of theirs are images, whatever their type."""


def suited(model: keras.Model, dataset: MultiscaleDataset) -> MultiscaleDataset:
    """The dataset with its targets seen as the losses of a model take them.

    Under a sparse loss a target is a class map, of floats too; under one that compares values it is
    an image, of integers too. Other losses leave it to the type, but for floats that are whole
    numbers: a trial of the loss tells whether it takes them for classes.

    Args:
        model: A model; if it is not compiled, nothing is told.
        dataset: What it trains on.

    Raises:
        ValueError: If a target does not fit what a loss takes it for, or its values do not.
    """
    if dataset.pairs is None or not getattr(model, "compiled", False):
        return dataset
    told: dict[str, tuple[str, str]] = {}
    for leaf in dataset.pairs.leaves:
        part, *path = leaf.name.split("/")
        loss = _loss_of(model, path) if part == "y" else None
        name = _name(loss) if loss is not None else ""
        if name not in _OF_VALUES:
            check_values(dataset.pairs, leaf, loss, name, _outputs_of(model, path))
        if "sparse" in name:
            told[leaf.name] = ("class_map", f"under {name}")
        elif name in _OF_VALUES:
            told[leaf.name] = ("image", f"under {name}")
        elif part == "y" and (loss is not None or model.loss is None):
            found = of_whole_numbers(dataset.pairs, leaf, loss, _outputs_of(model, path))
            told |= {leaf.name: found} if found else {}
    return dataset.judged_by(told)


def _loss_of(model: Any, path: list[str]) -> Any:
    """The loss of the target at a path below `y`, as it was compiled; `None` if there is none."""
    loss = model.loss
    for step in path:
        if isinstance(loss, Mapping):
            names = getattr(model, "output_names", None) or list(loss)
            by_place = names[int(step)] if step.isdigit() and int(step) < len(names) else step
            loss = loss.get(step, loss.get(by_place))
        elif isinstance(loss, Sequence) and not isinstance(loss, str):
            loss = loss[_place(model, step)] if _place(model, step) < len(loss) else None
    if isinstance(loss, (Mapping, list, tuple)):  # of one target that stands alone
        only = keras.tree.flatten(loss)
        loss = only[0] if len(only) == 1 else None
    return loss


def _outputs_of(model: Any, path: list[str]) -> int | None:
    """Last side of the output that a target at a path below `y` belongs to, if it is known."""
    outputs = keras.tree.flatten(getattr(model, "outputs", None) or [])
    place = _place(model, path[-1]) if path and len(outputs) > 1 else 0
    return (
        outputs[place].shape[-1] if len(outputs) > place and (path or len(outputs) == 1) else None
    )


def _place(model: Any, step: str) -> int:
    names = getattr(model, "output_names", None) or []
    if step in names:
        return names.index(step)
    return int(step) if step.isdigit() else len(names)


def _name(loss: Any) -> str:
    """Name of a loss as Keras calls it, in lower case; empty if it has none."""
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    function = getattr(loss, "fn", loss)
    name = getattr(function, "__name__", "") or getattr(loss, "name", "")
    return name if "_" in name or name.islower() else _snake(name)


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).strip("_")
