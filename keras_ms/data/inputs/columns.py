"""Arrays and lists, one entry an example, out of what Keras calls a structure of arrays.

A list of arrays is ambiguous: a list of examples, `[picture, picture, ...]`, or, as Keras has it,
several inputs, `[left_pictures, right_pictures]`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras

from keras_ms.data.examples import leaf_names

MOST_INPUTS = 8  # of a network, where a list could also hold examples


class Column:
    """What has one entry an example: an array or a list. `keras.tree` does not look into it."""

    def __init__(self, of: Any) -> None:
        self.of = of.numpy() if hasattr(of, "numpy") and not hasattr(of, "detach") else of

    def __len__(self) -> int:
        if hasattr(self.of, "shape") and not len(self.of.shape):
            raise ValueError(
                "All arrays have one row an example. Received: an array without axes, "
                f"{self.of!r}. Use examples one by one, in a list: [(x, y), ...]."
            )
        return len(self.of)


def columns_of(parts: tuple[Any, ...], spatial_dims: int | None) -> tuple[Any, int]:
    """The columns of `(x, y)` or `(x, y, sample_weight)`, and how many entries each has.

    Raises:
        ValueError: If they differ in length, or a list of arrays may be read in two ways.
    """
    as_examples, as_inputs = (_Reading.of(parts, lists) for lists in (True, False))
    if as_examples.fits and as_inputs.fits and as_examples.length != as_inputs.length:
        chosen = as_inputs if _are_inputs(parts, as_examples, spatial_dims) else as_examples
    else:
        chosen = as_inputs if as_inputs.fits else as_examples
    if not chosen.fits:
        shown = ", ".join(
            f"{name}: {n}"
            for name, n in zip(leaf_names(chosen.columns), chosen.lengths, strict=True)
        )
        raise ValueError(
            "All arrays have one row an example. Received: arrays of different lengths, "
            f"{shown}. Pass arrays with equal first axes, or an iterable of examples."
        )
    if not chosen.length:
        raise ValueError("There is no example to train on. Received: empty arrays.")
    return chosen.columns, chosen.length


class _Reading(NamedTuple):
    """A way to read the structure."""

    columns: Any
    lengths: list[int]

    @classmethod
    def of(cls, parts: tuple[Any, ...], lists_are_columns: bool) -> _Reading:
        columns = tuple(_columns(part, lists_are_columns) for part in parts)
        return cls(columns, [len(column) for column in keras.tree.flatten(columns)])

    @property
    def fits(self) -> bool:
        return len(set(self.lengths)) == 1

    @property
    def length(self) -> int:
        return self.lengths[0]


def _columns(part: Any, lists_are_columns: bool) -> Any:
    if isinstance(part, Mapping):
        return {name: _columns(entry, lists_are_columns) for name, entry in part.items()}
    if isinstance(part, (list, tuple)) and part:
        if not all(_has_axes(entry) for entry in part):
            if any(isinstance(entry, Mapping) or _holds_axes(entry) for entry in part):
                return tuple(_columns(entry, lists_are_columns) for entry in part)
            return Column(part)  # numbers, lists of numbers, pictures, paths
        if not lists_are_columns:
            return tuple(Column(entry) for entry in part)
    return Column(part)


def _has_axes(entry: Any) -> bool:
    return len(getattr(entry, "shape", ())) > 0


def _holds_axes(entry: Any) -> bool:
    return isinstance(entry, (list, tuple)) and any(
        _has_axes(one) or _holds_axes(one) for one in entry
    )


def _are_inputs(parts: Any, as_examples: _Reading, spatial_dims: int | None) -> bool:
    """Whether lists are of several inputs, told by the axes of their arrays."""
    ranks = [len(getattr(leaf, "shape", ())) for leaf in keras.tree.flatten(parts)]
    if spatial_dims is not None:
        return max(ranks) > spatial_dims + 1
    if max(ranks) != 4 or as_examples.length > MOST_INPUTS:
        return max(ranks) > 4
    raise ValueError(
        "It cannot be told whether lists hold examples or the arrays of several inputs. Received: "
        f"lists of {as_examples.length} arrays with 4 axes. Use numpy.stack to make one array of "
        "examples, a dictionary of several inputs, or levels=keras_ms.Levels(batch_sizes, "
        "spatial_dims=...)."
    )


def is_path(entry: Any) -> bool:
    """Whether an entry of a list names a file."""
    return isinstance(entry, (str, os.PathLike))
