"""The spec of examples, and whether an example is of that spec."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data.examples import leaf_names


def spec_of(example: Any) -> Any:
    """The spec of an example of NumPy arrays."""
    return keras.tree.map_structure(
        lambda leaf: tf.TensorSpec(leaf.shape, tf.as_dtype(leaf.dtype)), example
    )


def common_spec(first: Any, second: Any) -> Any:
    """What two specs of one structure have in common; sides that differ become `None`."""

    def common(one: tf.TensorSpec, other: tf.TensorSpec) -> tf.TensorSpec:
        sides = [a if a == b else None for a, b in zip(one.shape, other.shape, strict=True)]
        return tf.TensorSpec(sides, one.dtype)

    return keras.tree.map_structure(common, first, second)


def check_fits(example: Any, spec: Any) -> None:
    """Checks that an example has the structure, types, ranks and channels of the spec.

    Its sides may be others: whether these fit depends on what is cut from them.

    Raises:
        ValueError: If it does not, naming the leaf.
    """
    try:
        keras.tree.assert_same_structure(spec, example)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"Its structure is not that of most examples. Received: {_named(example)}; most "
            f"have {_named(spec)}."
        ) from error
    both = zip(keras.tree.flatten(spec), keras.tree.flatten(example), strict=True)
    for name, (leaf, array) in zip(leaf_names(spec), both, strict=True):
        rank = leaf.shape.rank
        fits = leaf.dtype == array.dtype and rank == array.ndim
        if fits and (rank == 1 or rank > 2):
            fits = leaf.shape[-1] in (None, array.shape[-1])
        if not fits:
            raise ValueError(
                "It is of another type, or has other axes or channels than most. Received: "
                f"{name} of shape {array.shape}, {array.dtype}; most have "
                f"{leaf.shape}, {leaf.dtype.name}."
            )


def _named(structure: Any) -> str:
    return ", ".join(leaf_names(structure))


def checked(
    passes: Callable[[], Iterator[tuple[str, Any]]], spec: Any
) -> Callable[[], Iterator[tuple[str, Any]]]:
    """Passes whose examples are of the spec; others become the `ValueError` that says why."""

    def begin() -> Iterator[tuple[str, Any]]:
        for name, example in passes():
            if not isinstance(example, ValueError):
                try:
                    check_fits(example, spec)
                except ValueError as error:
                    example = error
            yield name, example

    return begin
