"""Examples of a `tf.data.Dataset`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data.examples import Examples, leaf_names
from keras_ms.data.inputs import batches, dataset_graph
from keras_ms.data.inputs.dataset_elements import elements_of
from keras_ms.data.inputs.elements import Columns
from keras_ms.data.inputs.first_read import FirstRead
from keras_ms.data.inputs.specs import checked, spec_of
from keras_ms.validation import no_examples

UNSEEN = "Python code in its pipeline may draw at random"


def of_dataset(dataset: tf.data.Dataset, columns: Columns, spatial_dims: int | None) -> Examples:
    """Examples of a dataset of tuples or dictionaries, batched or not.

    Raises:
        ValueError: If its elements are no examples, or it is empty.
    """
    declared = columns.example(dataset.element_spec)
    _check_leaves(declared)
    known, first = dataset_graph.are_batches(dataset), None
    alike = all(leaf.shape.rank is not None for leaf in keras.tree.flatten(declared))
    one_by_one = FirstRead(lambda: elements_of(dataset, columns.example, many=False))
    if not alike:
        first = one_by_one.first()
    batched = batches.are_batches(declared, spatial_dims, known, first)
    length = _length(dataset, batched)
    if length == 0:
        raise no_examples("dataset")
    if length is None and first is None:  # it may be empty
        first = one_by_one.first()

    def begin() -> Iterator[tuple[str, Any]]:
        if first is not None:
            return batches.examples_in(one_by_one.passes(), batched)
        elements = elements_of(dataset, columns.example, many=not batched)
        return batches.examples_in(elements, batched)

    differs = dataset_graph.what_differs(dataset)
    spec = _spec(declared if alike else _completed(declared, first), batched)
    return Examples(
        spec,
        checked(begin, spec),
        length,
        anew=bool(differs),
        note=batches.UNBATCHED if batched else "",
        alike=alike,
        draws=differs or UNSEEN * dataset_graph.runs_python(dataset),
    )


def _check_leaves(declared: Any) -> None:
    for name, leaf in zip(leaf_names(declared), keras.tree.flatten(declared), strict=True):
        if not isinstance(leaf, tf.TensorSpec):
            raise ValueError(
                f"Examples hold dense tensors. Received: {name} is {type(leaf).__name__}. "
                "Use `.map(...)` with its to_tensor() or tf.sparse.to_dense."
            )
        if leaf.dtype == tf.string:
            raise ValueError(
                f"Examples hold numbers. Received: {name} is a string. Use `.map(...)` with "
                "tf.io.read_file and tf.io.decode_image, or name other columns by `x` and `y`."
            )


def _length(dataset: tf.data.Dataset, batched: bool) -> float | None:
    elements = int(dataset.cardinality())
    if elements == tf.data.INFINITE_CARDINALITY:
        return math.inf
    if batched and elements != 0:
        return dataset_graph.length_before_batching(dataset)
    return elements if elements >= 0 else None


def _spec(declared: Any, batched: bool) -> Any:
    def one(leaf: tf.TensorSpec) -> tf.TensorSpec:
        return tf.TensorSpec(leaf.shape[1:] if batched else leaf.shape, leaf.dtype)

    return keras.tree.map_structure(one, declared)


def _completed(spec: Any, first: Any) -> Any:
    """The spec, with shapes of the first element where even the rank is unknown."""

    def one(leaf: tf.TensorSpec, found: tf.TensorSpec) -> tf.TensorSpec:
        return found if leaf.shape.rank is None else leaf

    return keras.tree.map_structure(one, spec, spec_of(first))
