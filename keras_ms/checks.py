"""What is checked before the first step of a `fit` on a `MultiscaleDataset`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_ms.data import MultiscaleDataset

_OWNED_BY_DATASET = {
    "y": "the targets are part of the dataset",
    "sample_weight": "sample weights are part of the dataset's examples",
    "class_weight": "sample weights are part of the dataset's examples",
    "batch_size": "every level has its own batch size; set them in `Levels`",
    "validation_split": "hold out whole images and pass `validation_data`",
    "steps_per_epoch": "set it in `MultiscaleDataset(steps_per_epoch=...)`",
}


def check_fit_arguments(
    arguments: Mapping[str, Any], dataset: MultiscaleDataset, steps_per_execution: int
) -> None:
    """Refuses arguments of `fit` that belong to the dataset.

    Raises:
        ValueError: Naming the argument and where its value goes instead.
    """
    for name, mend in _OWNED_BY_DATASET.items():
        value = arguments.get(name)
        if value is not None and not (name == "validation_split" and value == 0):
            raise ValueError(
                f"`{name}` cannot be passed to `fit` with a MultiscaleDataset: {mend}. "
                f"Received: {name}={_short(value)}."
            )
    if dataset.steps_per_epoch % steps_per_execution:
        raise ValueError(
            "`steps_per_execution` must divide the dataset's steps_per_epoch. Received: "
            f"steps_per_execution={steps_per_execution}, "
            f"steps_per_epoch={dataset.steps_per_epoch}."
        )


def check_model_fits(model: keras.Model, dataset: MultiscaleDataset, num_replicas: int) -> None:
    """Checks that a model takes every level of a dataset.

    Raises:
        ValueError: If its input size is fixed, its output does not match the target, or the
            replicas cannot share every batch evenly.
    """
    _check_replicas(dataset, num_replicas)
    if dataset.levels.num_levels > 1:
        _check_any_size(model, len(dataset.image_size))
    if model.built and getattr(model, "inputs", None):
        _check_output(model, dataset)


def _check_replicas(dataset: MultiscaleDataset, num_replicas: int) -> None:
    if any(size % num_replicas for size in dataset.levels.batch_sizes):
        raise ValueError(
            "The number of replicas must divide the batch size of every level. Received: "
            f"batch_sizes={dataset.levels.batch_sizes}, {num_replicas} replicas."
        )


def _check_any_size(model: keras.Model, spatial_dims: int) -> None:
    for tensor in getattr(model, "inputs", None) or ():
        sides = tuple(tensor.shape)[1:-1]
        if len(sides) == spatial_dims and any(side is not None for side in sides):
            channels = tensor.shape[-1]
            raise ValueError(
                "The network has a fixed input size, but coarse levels are smaller. Received: "
                f"an input of shape {tuple(tensor.shape)}. Build it with keras.Input("
                f"({'None, ' * spatial_dims}{channels}))."
            )


def _check_output(model: keras.Model, dataset: MultiscaleDataset) -> None:
    x, y, _ = keras.utils.unpack_x_y_sample_weight(dataset.pair_spec(0))
    symbols = keras.tree.map_structure(lambda s: keras.KerasTensor(tuple(s.shape), s.dtype), x)
    outputs = model.compute_output_spec(symbols)
    if keras.tree.is_nested(outputs) or keras.tree.is_nested(y):
        return
    made, wanted = tuple(outputs.shape), tuple(y.shape)
    rank = len(dataset.image_size) + 2
    if len(made) == len(wanted) == rank and made[1:-1] != wanted[1:-1]:
        raise ValueError(
            "The network's output and the target have incompatible sizes. Received: output "
            f"{made}, target {wanted} for an input {keras.tree.map_structure(lambda s: s.shape, x)}"
            ". Change the network's strides or padding, or the task."
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
