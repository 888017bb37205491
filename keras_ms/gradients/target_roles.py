"""What the loss of a model tells of the targets of a dataset: class maps, or images."""

from __future__ import annotations

from typing import Any

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.losses_of_targets import (
    last_side_of,
    loss_of,
    name_of,
    outputs_by_name,
)
from keras_ms.gradients.target_values import check_values
from keras_ms.gradients.weight_axes import unit_axes
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
    numbers: a trial of the loss tells whether it takes them for classes. One whose output is as
    large on every level is a label, whatever its shape. Weights of whole examples get the axes
    that the values of their losses have.

    Args:
        model: A model; if it is not compiled, nothing is told.
        dataset: What it trains on.

    Raises:
        ValueError: If a target does not fit what a loss takes it for, or its values do not.
    """
    if dataset.pairs is None or not getattr(model, "compiled", False):
        return dataset
    told: dict[str, tuple[str, str]] = {}
    losses: dict[str, Any] = {}
    outputs = outputs_by_name(model, [leaf.name for leaf in dataset.pairs.leaves])
    for leaf in dataset.pairs.leaves:
        part, *path = leaf.name.split("/")
        loss = loss_of(model, path) if part == "y" else None
        losses[leaf.name] = loss
        name = name_of(loss) if loss is not None else ""
        if name not in _OF_VALUES:
            check_values(dataset.pairs, leaf, loss, name, last_side_of(model, path))
        if _as_large_on_every_level(model, dataset, leaf, outputs.get(leaf.name)):
            told[leaf.name] = ("label", "the network's output is as large on every level")
        elif "sparse" in name:
            told[leaf.name] = ("class_map", f"under {name}")
        elif name in _OF_VALUES:
            told[leaf.name] = ("image", f"under {name}")
        elif part == "y" and (loss is not None or model.loss is None):
            found = of_whole_numbers(dataset.pairs, leaf, loss, last_side_of(model, path))
            told |= {leaf.name: found} if found else {}
    axes = unit_axes(model, dataset, losses, outputs_by_name(model, losses))
    return dataset.judged_by(told, axes)


def _as_large_on_every_level(
    model: Any, dataset: MultiscaleDataset, leaf: Any, output: Any
) -> bool:
    """Whether a field is one by its shape alone: its output has that shape for images of any size.

    Args:
        model: The model.
        dataset: What it trains on.
        leaf: The target.
        output: The symbolic output that belongs to it; `None` if it is not known.
    """
    axes, dims = dataset.levels.axes, len(dataset.image_size)
    if output is None or leaf.ratio is None or len(output.shape) <= dims:
        return False
    images = [tensor.shape[1:] for tensor in model.inputs if len(tensor.shape) == dims + 2]
    free = bool(images) and all(shape[axis] is None for shape in images for axis in axes)
    made = [output.shape[1 + axis] for axis in axes]
    return free and None not in made and made == [leaf.shape[axis] for axis in axes]
