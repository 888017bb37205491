"""Examples of whatever a user hands over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from PIL import Image

from keras_ms.data.examples import Examples
from keras_ms.data.inputs.arrays import of_arrays
from keras_ms.data.inputs.elements import Columns, Names
from keras_ms.data.inputs.iterables import of_iterable
from keras_ms.data.inputs.tf_datasets import of_dataset
from keras_ms.validation import shown


def examples_of(
    data: Any,
    x: Names = None,
    y: Names = None,
    sample_weight: Names = None,
    spatial_dims: int | None = None,
) -> Examples:
    """Makes examples of what a user has.

    Args:
        data: A tuple `(x, y)` or `(x, y, sample_weight)` of arrays, structures of them, or lists;
            a `tf.data.Dataset`, `keras.utils.PyDataset`, generator, iterable or sequence of such
            tuples or of dictionaries, batched or not; lists of files `(inputs, targets)`; or
            anything with a method `examples()` that returns `Examples`.
        x: Of dictionaries, the column that is the input; a list of names makes a dictionary.
        y: The column that is the target, likewise.
        sample_weight: The column that weighs, likewise.
        spatial_dims: Spatial dimensions of an image; `None` if they are to be found. They tell
            batches from examples.

    Raises:
        ValueError: If no examples can be made of it.

    Example:
        >>> import numpy as np
        >>> photographs, masks = np.zeros((8, 64, 64, 3), "uint8"), np.zeros((8, 64, 64), "uint8")
        >>> examples_of((photographs, masks)).length
        8
    """
    columns = Columns(x, y, sample_weight)
    if callable(own := getattr(data, "examples", None)):
        if columns.named:
            raise ValueError(
                f"{type(data).__name__} knows its inputs and targets itself. Received: "
                f"x={shown(x)}, y={shown(y)}, sample_weight={shown(sample_weight)}. Leave them out."
            )
        return own()
    if isinstance(data, tf.data.Dataset):
        return of_dataset(data, columns, spatial_dims)
    if isinstance(data, tuple) and any(isinstance(part, tf.data.Dataset) for part in data):
        return of_dataset(_zipped(data), columns, spatial_dims)
    if isinstance(data, list) and _have_pictures(data):
        data = tuple(list(part) for part in zip(*data, strict=True))
    if isinstance(data, (tuple, Mapping)):
        return of_arrays(columns.example(data), spatial_dims)
    return of_iterable(data, columns, spatial_dims)


def _have_pictures(rows: list[Any]) -> bool:
    """Whether every row is a pair of which a part is a path, or a picture of Pillow.

    All of them are needed to tell what they are: `[("a.jpg", "a.png"), ...]`.
    """
    return bool(rows) and all(
        isinstance(row, (tuple, list))
        and len(row) == len(rows[0])
        and any(isinstance(part, (str, os.PathLike, Image.Image)) for part in row)
        for row in rows
    )


def _zipped(parts: tuple[Any, ...]) -> tf.data.Dataset:
    if not all(isinstance(part, tf.data.Dataset) for part in parts):
        kinds = ", ".join(type(part).__name__ for part in parts)
        raise ValueError(
            "A tuple holds arrays, or datasets alone. "
            f"Received: ({kinds}). Use `tf.data.Dataset.zip(...)` of datasets."
        )
    return tf.data.Dataset.zip(parts)
