"""Elements of what can be gone through, of any kind, where nothing else is to be known of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras

TAKEN = (
    "Clean images come from a list, an array, keras_ms.data.FolderImages, a tf.data.Dataset, a "
    "keras.utils.PyDataset of batches, a sequence or another iterable, or a generator function."
)


def elements_and_length(data: Any) -> tuple[Iterator[Any], int | None]:
    """Begins a pass over elements, and how many there are if that is known.

    Args:
        data: An iterable, a sequence, a PyDataset, whose batches are taken apart, or a function
            without arguments that returns an iterable, such as a generator function.

    Raises:
        ValueError: If it is none of them.
    """
    if isinstance(data, keras.utils.PyDataset):
        return _of_py_dataset(data), None
    is_object = not isinstance(data, type)
    if is_object and hasattr(data, "__iter__"):
        return iter(data), None
    if is_object and hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        return map(data.__getitem__, range(len(data))), len(data)
    made = data() if is_object and callable(data) else None
    if made is None or not hasattr(made, "__iter__"):
        called = "" if made is None else f", which returned {type(made).__name__}"
        name = getattr(data, "__name__", type(data).__name__)
        raise ValueError(f"{TAKEN} Received: {name}{called}.")
    return iter(made), None


def _of_py_dataset(data: keras.utils.PyDataset) -> Iterator[Any]:
    if data.num_batches is None:
        raise ValueError(
            "Images must be finitely many. Received: a keras.utils.PyDataset whose num_batches is "
            "None. Let it say how many batches it has."
        )
    for number in range(data.num_batches):
        try:
            batch = data[number]
        except Exception as error:  # whatever the user's own reading raises
            yield error
            continue
        if hasattr(batch, "shape"):
            yield from batch
        else:
            yield batch  # which whoever takes it refuses
