"""Checks that many share, each once. They raise `ValueError` and say what was received."""

from __future__ import annotations

import operator
from collections.abc import Collection
from typing import Any


def positive_integer(value: Any, name: str) -> int:
    """The value as a Python integer.

    Args:
        value: Anything with an `__index__`.
        name: What the argument is called.

    Raises:
        ValueError: If it is no integer, or less than 1.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return operator.index(value)


def none_or_positive(**values: int | None) -> None:
    """Refuses values that are neither `None` nor a positive integer.

    Raises:
        ValueError: Naming the argument.
    """
    for name, value in values.items():
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"`{name}` is None or 1 or more. Received: {name}={value!r}.")


def known(value: Any, names: Collection[str], argument: str, what: str) -> str:
    """The value, if it is one of some names.

    Args:
        value: What was received.
        names: What there is.
        argument: What the argument is called.
        what: What the names are of, such as "task".

    Raises:
        ValueError: If it is none of them.
    """
    if value not in names:
        raise ValueError(
            f"There is no such {what}. Received: {argument}={value!r}. "
            f"Use one of {tuple(sorted(names))}."
        )
    return value
