"""Examples of arrays whose first axes count examples, or of lists of arrays and of files."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data.examples import Examples, leaf_names
from keras_ms.data.inputs.columns import Column, columns_of
from keras_ms.data.inputs.elements import arrays_of
from keras_ms.data.inputs.files import Files, Pictures
from keras_ms.data.inputs.leaves import array_of
from keras_ms.data.inputs.specs import checked, common_spec, spec_of
from keras_ms.data.sources.read_ahead import read_ahead


def of_arrays(parts: tuple[Any, ...], spatial_dims: int | None) -> Examples:
    """Examples of `(x, y)` or `(x, y, sample_weight)`, each a structure of arrays.

    Arrays are looked up row by row, so that datasets of HDF5 and memory maps stay on the disk. A
    list of arrays is a list of examples, or several inputs as Keras has it: by what fits the
    lengths of the others. Lists of paths are read, by one thread a core.

    Raises:
        ValueError: If lengths differ, or there is no example.
    """
    columns, length = columns_of(parts, spatial_dims)
    leaves = keras.tree.flatten(columns)
    files = [column.of for column in leaves if isinstance(column.of, Files)]

    def row(number: int) -> Any:
        return arrays_of(keras.tree.map_structure(lambda column: column.of[number], columns))

    def begin() -> Iterator[tuple[str, Any]]:
        if files:
            for number, example in read_ahead(range(length), row):
                yield files[0].name(number), example
            return
        for number in range(length):
            try:
                example = row(number)
            except ValueError as error:  # a picture of Pillow that is cut off
                example = error
            yield str(number), example

    named = dict(zip(leaf_names(columns), leaves, strict=True))
    specs = [_spec(name, column) for name, column in named.items()]
    spec = keras.tree.pack_sequence_as(columns, specs)
    read = {name: column.of for name, column in named.items() if isinstance(column.of, Pictures)}
    notes = [f"{name} from {of.note}" for name, of in read.items() if of.note]
    return Examples(
        spec,
        checked(begin, spec),
        length,
        roles={name: "class_map" for name, of in read.items() if of.are_classes},
        note="; ".join(notes),
    )


def _spec(name: str, column: Column) -> tf.TensorSpec:
    """The spec of an entry; sides in which those of a list differ are `None`."""
    if isinstance(column.of, Pictures):
        return column.of.spec
    part = name.split("/")[0]
    first = spec_of(array_of(column.of[0], part))
    if not isinstance(column.of, (list, tuple)):
        return first
    specs = []
    for number, entry in enumerate(column.of):
        specs.append(spec_of(array_of(entry, part)))
        _check_like(first, specs[-1], f"{name}[{number}]")
    return functools.reduce(common_spec, specs)


def _check_like(first: tf.TensorSpec, other: tf.TensorSpec, name: str) -> None:
    channels = first.shape.rank < 3 or first.shape[-1] == other.shape[-1]
    if first.dtype != other.dtype or first.shape.rank != other.shape.rank or not channels:
        raise ValueError(
            "Arrays of a list have one type, one number of axes and of channels. Received: "
            f"{name} of shape {other.shape}, {other.dtype.name}; the first has {first.shape}, "
            f"{first.dtype.name}."
        )
