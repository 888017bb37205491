"""Examples of what yields them: sequences, PyDatasets, generators and other iterables."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import keras

from keras_ms.data.examples import Examples
from keras_ms.data.inputs import batches, read_once
from keras_ms.data.inputs.elements import Columns, arrays_of
from keras_ms.data.inputs.first_read import FirstRead
from keras_ms.data.inputs.going_on import going_on
from keras_ms.data.inputs.listed_numbers import with_arrays
from keras_ms.data.inputs.specs import checked, common_spec, spec_of
from keras_ms.data.typical import signature
from keras_ms.validation import shown

TAKEN = (
    "Examples come from a tuple of arrays (x, y) or (x, y, sample_weight), a tf.data.Dataset, a "
    "keras.utils.PyDataset, a generator or generator function, a sequence or another iterable of "
    "(x, y), lists of files (inputs, targets), or keras_ms.data.FolderPairs."
)
SAYS_SO = "its source says that they differ"

Elements = Iterator[Any]


class _Source(NamedTuple):
    """How elements are come by.

    Attributes:
        begin: Begins a pass over elements; `Exception`s are elements that cannot be made.
        length: Number of elements; `None` if unknown, infinite if endless.
        batched: Whether elements are batches; `None` if that is not known.
        once: Whether there is one pass only.
        listed: Whether all elements are in memory.
        note: What to say about it.
        draws: What may make examples come out otherwise in every pass, in a clause.
    """

    begin: Callable[[], Elements]
    length: float | None = None
    batched: bool | None = None
    once: bool = False
    listed: bool = False
    note: str = ""
    draws: str = ""


def of_iterable(data: Any, columns: Columns, spatial_dims: int | None) -> Examples:
    """Examples of an iterable, sequence, PyDataset, generator or generator function.

    Raises:
        ValueError: If it is none of them, is empty, or its first elements are no examples.
    """
    source = _source_of(data)

    def elements() -> Iterator[tuple[str, Any]]:
        for number, element in enumerate(going_on(source.begin(), source.length)):
            yield str(number), _example(element, columns)

    read = FirstRead(read_once.ReadOnce(elements()).passes if source.once else elements)
    first = read.typical()
    batched = batches.are_batches(first, spatial_dims, source.batched)

    def passes() -> Iterator[tuple[str, Any]]:
        return batches.examples_in(read.passes(), batched)

    if batched:
        first = next(example for _, example in batches.taken_apart("0", first))
    alike = source.listed and not batched
    anew = bool(getattr(data, "anew", False))
    spec = _of_list(data, columns, first) if alike else spec_of(first)
    notes = [batches.UNBATCHED] * batched + [source.note] * bool(source.note)
    return Examples(
        spec,
        checked(passes, spec),
        source.length if not batched or source.length == math.inf else None,
        anew=anew,
        note="; ".join(notes),
        once=source.once,
        alike=alike,
        draws=SAYS_SO if anew else source.draws,
    )


def _source_of(data: Any) -> _Source:
    if isinstance(data, keras.utils.PyDataset):
        count = data.num_batches
        return _Source(
            lambda: _of_py_dataset(data),
            math.inf if count is None else None,
            True,
            draws=_may_draw("__getitem__"),
        )
    if isinstance(data, (str, bytes, type)):
        raise ValueError(f"{TAKEN} Received: {shown(data)}.")
    if hasattr(data, "shape") and hasattr(data, "dtype"):
        raise ValueError(
            f"{TAKEN} Received: {type(data).__name__} of shape {tuple(data.shape)}, with nothing "
            "to learn from it. Pass a task to train on images alone."
        )
    if hasattr(data, "__next__"):
        return _Source(lambda: iter(data), once=True, note=read_once.NOTE)
    length = _length_of(data)
    if hasattr(data, "__getitem__") and length is not None:
        listed = isinstance(data, (list, tuple))
        return _Source(
            lambda: _of_sequence(data, length),
            length,
            True if _says_batch_size(data) else None,
            listed=listed,
            draws="" if listed else _may_draw("__getitem__"),
        )
    if hasattr(data, "__iter__"):
        batched = True if _says_batch_size(data) else None
        return _Source(lambda: iter(data), length, batched, draws=_may_draw("__iter__"))
    if callable(data):
        return _Source(lambda: iter(_called(data)), draws="its generator may draw at random")
    raise ValueError(f"{TAKEN} Received: {type(data).__name__}.")


def _may_draw(method: str) -> str:
    return f"its {method} may draw at random"


def _says_batch_size(data: Any) -> bool:
    return isinstance(getattr(data, "batch_size", None), int)


def _length_of(data: Any) -> int | None:
    try:
        return len(data)
    except (TypeError, NotImplementedError):
        return None


def _called(function: Callable[[], Any]) -> Iterable[Any]:
    made = function()
    if not hasattr(made, "__iter__"):
        raise ValueError(
            f"{TAKEN} Received: {getattr(function, '__name__', function)!r}, which returned "
            f"{type(made).__name__}. A generator function yields examples and takes no arguments."
        )
    return made


def _of_sequence(data: Any, length: int) -> Elements:
    for number in range(length):
        try:
            yield data[number]
        except Exception as error:  # whatever the user's own reading raises
            yield error


def _of_py_dataset(data: keras.utils.PyDataset) -> Elements:
    getattr(data, "on_epoch_begin", lambda: None)()  # not in every version of Keras
    numbers = itertools.count() if data.num_batches is None else range(data.num_batches)
    for number in numbers:
        try:
            yield data[number]
        except Exception as error:  # as above
            if number and data.num_batches is None and isinstance(error, IndexError):
                break  # as sequences of Python end, whatever it says of its length
            yield error
    data.on_epoch_end()


def _example(element: Any, columns: Columns) -> Any:
    if isinstance(element, Exception):
        error = ValueError(f"Reading it failed: {type(element).__name__}: {element}")
        error.__cause__ = element
        return error
    try:
        return arrays_of(with_arrays(columns.example(element)))
    except ValueError as error:
        return error


def _of_list(data: Iterable[Any], columns: Columns, first: Any) -> Any:
    """The spec of all examples of a list; sides in which they differ are `None`."""
    specs = [spec_of(first)]
    for element in data:
        example = _example(element, columns)
        if not isinstance(example, ValueError) and signature(example) == signature(first):
            specs.append(spec_of(example))
    return functools.reduce(common_spec, specs)
