"""Numbers in nested lists, as Hugging Face gives them without a format: arrays, no structures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ms.data.examples import PARTS


def with_arrays(example: tuple[Any, ...]) -> tuple[Any, ...]:
    """An example whose lists of numbers are arrays.

    Nested lists, or tuples, of numbers become an array, and so does a list of numbers of one type.
    What else holds others stays a structure: `[picture, picture]`, `(label, label)`.

    Args:
        example: `(x, y)` or `(x, y, sample_weight)`.

    Raises:
        ValueError: If nested lists of numbers differ in length.

    Example:
        >>> with_arrays(([[0, 1], [2, 3]], 1))[0].shape
        (2, 2)
    """
    return tuple(_converted(part, name) for name, part in zip(PARTS, example, strict=False))


def _converted(part: Any, name: str) -> Any:
    if isinstance(part, Mapping):
        return {key: _converted(entry, f"{name}/{key}") for key, entry in part.items()}
    if type(part) not in (tuple, list) or not part:
        return part
    nested = all(isinstance(entry, (tuple, list)) for entry in part)
    if nested and _first_is_number(part):
        return _array(part, name)
    kinds = {type(entry) for entry in part}
    if isinstance(part, list) and len(kinds) == 1 and kinds < {bool, int, float}:
        return np.asarray(part)
    return type(part)(_converted(entry, f"{name}/{n}") for n, entry in enumerate(part))


def _first_is_number(part: Any) -> bool:
    while isinstance(part, (tuple, list)) and part:
        part = part[0]
    return isinstance(part, (bool, int, float))


def _array(part: Any, name: str) -> np.ndarray:
    try:
        return np.asarray(part)
    except ValueError as error:
        raise ValueError(
            "Nested lists of numbers are an array, so that those of one depth have one length. "
            f"Received: {name}, {len(part)} lists of which some differ. Use arrays, or lists of "
            "one length."
        ) from error
