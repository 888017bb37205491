"""Elements of a `tf.data.Dataset` as NumPy arrays, many fetched at once where they are small."""

from __future__ import annotations

import functools
import itertools
import math
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data.inputs import batches, dataset_graph
from keras_ms.data.inputs.going_on import ended

Named = Iterator[tuple[str, Any]]

MOST_ERRORS = 100  # one after another; then it is not the data that are bad
AT_ONCE = 256
BYTES_AT_ONCE = 2**22
_WHERE = re.compile(
    r"^(\{\{.*?\}\}\s*)?(Error in user-defined function passed to .*? with iterator: \S+: )?"
)


def elements_of(dataset: tf.data.Dataset, example: Callable[[Any], Any], many: bool) -> Named:
    """Begins a pass: elements by number; one that cannot be made is a `ValueError`.

    Args:
        dataset: The dataset.
        example: Makes an example of an element, or of a batch of them.
        many: Whether elements may be fetched in blocks.

    Raises:
        ValueError: If a generator within the dataset ends with an error, or nothing but errors
            comes.
    """
    size = _at_once(dataset) if many else 1
    found = _in_blocks(dataset, example, size) if size > 1 else _one_by_one(dataset, example)
    for number, element in found:
        yield str(number), element


def _at_once(dataset: tf.data.Dataset) -> int:
    """How many elements are fetched at once.

    One if they are large, not all of one shape, or if it is not known how many there are, so that
    those that fail could not be counted.
    """
    specs = tf.nest.flatten(dataset.element_spec)
    known = all(isinstance(s, tf.TensorSpec) and s.shape.is_fully_defined() for s in specs)
    known = known and not dataset_graph.claims_its_length(dataset)
    if not known or int(dataset.cardinality()) < 0 or dataset_graph.has_generator(dataset):
        return 1
    size = sum(math.prod(spec.shape) * spec.dtype.size for spec in specs)
    return min(AT_ONCE, BYTES_AT_ONCE // max(size, 1))


def _one_by_one(
    dataset: tf.data.Dataset, example: Callable[[Any], Any]
) -> Iterator[tuple[int, Any]]:
    iterator, failed, errors = iter(dataset), None, 0
    generates = dataset_graph.has_generator(dataset)
    for number in itertools.count():
        try:
            element = next(iterator)
        except StopIteration:
            if failed is not None and generates:
                raise ended(number - 1, failed, _said(failed)) from failed
            return
        except tf.errors.OpError as error:
            if _is_of_claim(error):
                warnings.warn(
                    f"A dataset claims a number of elements that it has not: {_said(error)} Those "
                    "that came are used. Use assert_cardinality with the right number, or not.",
                    stacklevel=2,
                )
                return
            failed, errors = error, errors + 1
            if errors == MOST_ERRORS:
                raise ValueError(
                    f"The dataset failed {errors} times in a row. Received: element {number}: "
                    f"{_said(error)}"
                ) from error
            yield number, ValueError(f"The dataset failed: {_said(error)}")
        else:
            failed, errors = None, 0
            yield number, _arrays(example(element))


def _in_blocks(
    dataset: tf.data.Dataset, example: Callable[[Any], Any], size: int
) -> Iterator[tuple[int, Any]]:
    """As one by one. Elements are numbered before those that fail are left out of a block."""
    count = int(dataset.cardinality())
    # The range goes on where an element fails, and ends: a dataset may fail for ever.
    numbered = tf.data.Dataset.zip(tf.data.Dataset.range(count), dataset)
    checked = numbered.map(lambda number, element: (number, _ensured(element, dataset)))
    again, due = _Again(dataset, example), 0
    for numbers, block in checked.ignore_errors().batch(size):
        arrays = _arrays(example(block))
        for row, number in enumerate(numbers.numpy().tolist()):
            yield from again.elements(range(due, number))
            yield number, batches.row_of(arrays, row)
            due = number + 1
    yield from again.elements(range(due, count))


class _Again:
    """Reads elements that were left out once more, one by one: then they say why.

    Args:
        dataset: The dataset. If it comes otherwise in every pass, another pass says what fails.
        example: Makes an example of an element.
    """

    def __init__(self, dataset: tf.data.Dataset, example: Callable[[Any], Any]) -> None:
        self._pass = _one_by_one(dataset, example)  # begins when it is first asked
        self._same = dataset_graph.comes_again(dataset)

    def elements(self, numbers: range) -> Iterator[tuple[int, Any]]:
        """Elements with these numbers, or what to say of them, in ascending order."""
        for number in numbers:
            if not self._same:
                yield number, self._first_error
                continue
            found = next((found for found in self._pass if found[0] == number), None)
            if found is None:  # it has ended
                return
            yield found

    @functools.cached_property
    def _first_error(self) -> ValueError:
        errors = (element for _, element in self._pass if isinstance(element, ValueError))
        return next(errors, ValueError("The dataset failed."))


def _ensured(element: Any, dataset: tf.data.Dataset) -> Any:
    """An element of the shapes that the dataset declares, which functions of Python may not."""
    return tf.nest.map_structure(
        lambda tensor, spec: tf.ensure_shape(tensor, spec.shape), element, dataset.element_spec
    )


def _arrays(example: Any) -> Any:
    return keras.tree.map_structure(lambda tensor: tensor.numpy(), example)


def _is_of_claim(error: tf.errors.OpError) -> bool:
    """Whether it is raised where elements end otherwise than `assert_cardinality` has claimed."""
    return isinstance(error, tf.errors.FailedPreconditionError) and "expected to contain" in str(
        error.message
    )


def _said(error: tf.errors.OpError) -> str:
    """The first line of a message, without where TensorFlow was when it was raised."""
    return _WHERE.sub("", str(error.message).strip()).partition("\n")[0]
