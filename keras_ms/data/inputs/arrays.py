"""Examples of arrays whose first axes count examples, or of lists of arrays and of files."""

from __future__ import annotations

import functools
import operator
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
from keras_ms.data.sources.turned_pairs import warn_of_turned
from keras_ms.data.typical import most_alike, signature


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
    _warn_of_turned(read)
    notes = [f"{name} from {of.note}" for name, of in read.items() if of.note]
    return Examples(
        spec,
        checked(begin, spec),
        length,
        roles={name: "class_map" for name, of in read.items() if of.are_classes},
        note="; ".join(notes),
    )


def _warn_of_turned(read: dict[str, Pictures]) -> None:
    """Warns of pictures of which an input says that it is turned, and a target does not."""
    inputs = [of for name, of in read.items() if name.partition("/")[0] == "x"]
    for name, target in read.items():
        if name.partition("/")[0] == "y" and inputs:
            first = inputs[0]
            names = [(first.name(n), target.name(n)) for n in range(len(target))]
            warn_of_turned(names, first.heads, target.heads)


def _spec(name: str, column: Column) -> tf.TensorSpec:
    """The spec of an entry; sides in which those of a list differ are `None`."""
    if isinstance(column.of, Pictures):
        return column.of.spec
    part = name.split("/")[0]
    if not isinstance(column.of, (list, tuple)):
        return spec_of(array_of(column.of[0], part))
    looked_at = [_told(entry, part) for entry in column.of]
    usual, _ = most_alike(looked_at, key=operator.itemgetter(0))
    specs = [spec for of, spec in looked_at if of == usual]
    if 2 * len(specs) <= len(looked_at):
        number = [of == usual for of, _ in looked_at].index(False)
        _refuse(f"{name}[{number}]", looked_at[number][1], specs[0])
    # Others are passed over, and named, when examples are read.
    return functools.reduce(common_spec, specs)


def _told(entry: Any, part: str) -> tuple[Any, tf.TensorSpec]:
    array = array_of(entry, part)
    return signature(array), spec_of(array)


def _refuse(name: str, odd: tf.TensorSpec, usual: tf.TensorSpec) -> None:
    raise ValueError(
        "Arrays of a list have one type, one number of axes and of channels. Received: "
        f"{name} of shape {odd.shape}, {odd.dtype.name}, while others have {usual.shape}, "
        f"{usual.dtype.name}."
    )
