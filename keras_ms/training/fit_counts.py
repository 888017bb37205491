"""Numbers and callbacks that `fit` is given: Keras meets odd ones in the middle of the run."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from keras_ms.training.run_callbacks import listed
from keras_ms.validation import index_of, is_count

_WANTED = {
    "epochs": "a whole number, 0 or more",
    "initial_epoch": "a whole number, 0 or more",
    "validation_freq": "a positive integer, or the numbers of epochs",
    "validation_steps": "None or a positive integer",
    "validation_batch_size": "None or a positive integer",
    "callbacks": "None, a callback, or a list of callbacks",
}


def check_counts_of_fit(arguments: Mapping[str, Any]) -> None:
    """Refuses odd values of `epochs` and the like.

    Args:
        arguments: Those of `fit` that were given, by name.

    Raises:
        ValueError: Naming the first that is odd.
    """
    check_callbacks(arguments.get("callbacks"))
    for name, wanted in _WANTED.items():
        if name in arguments and not _serves(name, arguments[name]):
            raise ValueError(
                f"`{name}` of `fit` is {wanted}. Received: {name}={arguments[name]!r:.60}."
            )


def check_callbacks(callbacks: Any) -> None:
    """Refuses classes of callbacks in place of callbacks.

    Args:
        callbacks: What `fit` was given.

    Raises:
        ValueError: Naming the first class.
    """
    for one in listed(callbacks):
        if inspect.isclass(one):
            raise ValueError(
                "`callbacks` of `fit` are objects, not classes. Received: the class "
                f"{one.__name__}. Use {one.__name__}(...), with its arguments."
            )


def _serves(name: str, value: Any) -> bool:
    if name == "callbacks":
        return all(hasattr(one, "set_model") for one in listed(value))
    if name == "validation_freq":
        return is_count(value) or (not isinstance(value, str) and hasattr(value, "__contains__"))
    if name in ("epochs", "initial_epoch"):
        return is_count(value) or index_of(value) == 0
    return value is None or is_count(value)
