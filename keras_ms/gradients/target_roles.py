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
from keras_ms.gradients.read_as_pictures import check_classes_are_read
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
    numbers: a trial of the loss tells whether it takes them for classes. Weights of whole examples
    get the axes that the values of their losses have.

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
    for leaf in dataset.pairs.leaves:
        part, *path = leaf.name.split("/")
        loss = loss_of(model, path) if part == "y" else None
        losses[leaf.name] = loss
        name = name_of(loss) if loss is not None else ""
        last, of_values = last_side_of(model, path), name in _OF_VALUES
        if part == "y":
            check_classes_are_read(dataset.pairs, leaf, loss, name, last, of_values)
        if not of_values:
            check_values(dataset.pairs, leaf, loss, name, last)
        if "sparse" in name:
            told[leaf.name] = ("class_map", f"under {name}")
        elif name in _OF_VALUES:
            told[leaf.name] = ("image", f"under {name}")
        elif part == "y" and (loss is not None or model.loss is None):
            found = of_whole_numbers(dataset.pairs, leaf, loss, last)
            told |= {leaf.name: found} if found else {}
    axes = unit_axes(model, dataset, losses, outputs_by_name(model, losses))
    return dataset.judged_by(told, axes)
