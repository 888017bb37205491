"""Examples of arrays whose first axes count examples, or of lists of arrays of differing sizes."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import keras

from keras_ms.data.examples import Examples
from keras_ms.data.inputs.columns import columns_of
from keras_ms.data.inputs.elements import arrays_of
from keras_ms.data.inputs.specs import check_fits, checked, common_spec, spec_of


def of_arrays(parts: tuple[Any, ...], spatial_dims: int | None) -> Examples:
    """Examples of `(x, y)` or `(x, y, sample_weight)`, each a structure of arrays.

    Arrays are looked up row by row, so that datasets of HDF5 and memory maps stay on the disk. A
    list of arrays is a list of examples, or several inputs as Keras has it: by what fits the
    lengths of the others.

    Raises:
        ValueError: If lengths differ, or there is no example.
    """
    columns, length = columns_of(parts, spatial_dims)

    def row(number: int) -> Any:
        return arrays_of(keras.tree.map_structure(lambda column: column.of[number], columns))

    def begin() -> Iterator[tuple[str, Any]]:
        for number in range(length):
            try:
                yield str(number), row(number)
            except ValueError as error:
                yield str(number), error

    spec = spec_of(row(0))
    if any(isinstance(column.of, (list, tuple)) for column in keras.tree.flatten(columns)):
        spec = _of_all((row(number) for number in range(length)), spec)
    return Examples(spec, checked(begin, spec), length)


def _of_all(examples: Iterator[Any], first: Any) -> Any:
    """The spec of examples in memory; sides in which they differ are `None`."""
    specs = []
    for number, example in enumerate(examples):
        try:
            check_fits(example, first)
        except ValueError as error:
            raise ValueError(f"Example {number} is unlike the first. {error}") from error
        specs.append(spec_of(example))
    return functools.reduce(common_spec, specs)
