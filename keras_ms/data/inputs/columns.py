"""Arrays and lists, one entry an example, out of what Keras calls a structure of arrays.

A list of arrays is ambiguous: a list of examples, `[picture, picture, ...]`, or, as Keras has it,
several inputs, `[left_pictures, right_pictures]`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from PIL import Image

from keras_ms.data.examples import PARTS, leaf_names
from keras_ms.data.inputs.files import Files, Pictures
from keras_ms.validation import no_examples

MOST_INPUTS = 8  # of a network, where a list could also hold examples


class Column:
    """What has one entry an example: an array, a list, files. `keras.tree` does not look into it.

    Args:
        of: An array or a list; one of paths, or of pictures of Pillow, is read.
        part: `"x"`, `"y"` or `"sample_weight"`.
    """

    def __init__(self, of: Any, part: str) -> None:
        if hasattr(of, "to_numpy"):  # a series of pandas, whose rows have labels
            of = of.to_numpy()
        if hasattr(of, "numpy") and not hasattr(of, "detach"):
            of = of.numpy()
        paths = list(of) if isinstance(of, (list, tuple)) or _kind(of) in "OU" else []
        if paths and isinstance(paths[0], (list, tuple)):
            of = [np.asarray(entry) for entry in paths]  # numbers in lists are no structure
        names_files = paths and all(isinstance(path, (str, os.PathLike)) for path in paths)
        if names_files:
            of = Files(paths, part)
        elif paths and all(isinstance(picture, Image.Image) for picture in paths):
            of = Pictures(paths, part)
        self.of = of

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
    _check_no_single_image(chosen.columns, spatial_dims)
    if not chosen.length:
        raise no_examples("arrays")
    return chosen.columns, chosen.length


def _check_no_single_image(columns: Any, spatial_dims: int | None) -> None:
    """Refuses the bytes of one colour picture: its rows would be taken for signals."""
    for column in keras.tree.flatten(columns[0]):
        shape: tuple[int, ...] = tuple(getattr(column.of, "shape", ()))
        dtype = getattr(column.of, "dtype", None)
        if spatial_dims is None and dtype == np.uint8 and len(shape) == 3 and shape[-1] in (3, 4):
            raise ValueError(
                "The first axis counts examples. Received: x of shape "
                f"{shape}, uint8, which looks like a single image. Use lists, ([x], [y]); "
                "or levels=keras_ms.Levels(batch_sizes, spatial_dims=1) for signals."
            )


class _Reading(NamedTuple):
    """A way to read the structure."""

    columns: Any
    lengths: list[int]

    @classmethod
    def of(cls, parts: tuple[Any, ...], lists_are_columns: bool) -> _Reading:
        named = zip(PARTS, parts, strict=False)
        columns = tuple(_columns(part, lists_are_columns, name) for name, part in named)
        return cls(columns, [len(column) for column in keras.tree.flatten(columns)])

    @property
    def fits(self) -> bool:
        return len(set(self.lengths)) == 1

    @property
    def length(self) -> int:
        return self.lengths[0]


def _columns(part: Any, lists_are_columns: bool, name: str) -> Any:
    if isinstance(part, Mapping):
        return {key: _columns(entry, lists_are_columns, name) for key, entry in part.items()}
    if isinstance(part, (list, tuple)) and part:
        arrays = all(_has_axes(entry) for entry in part)
        if not arrays and any(isinstance(one, Mapping) or _holds_more(one) for one in part):
            return tuple(_columns(entry, lists_are_columns, name) for entry in part)
        if arrays and not lists_are_columns:
            return tuple(Column(entry, name) for entry in part)
    return Column(part, name)


def _kind(of: Any) -> str:
    return getattr(getattr(of, "dtype", None), "kind", "-")


def _has_axes(entry: Any) -> bool:
    return len(getattr(entry, "shape", ())) > 0


def _holds_more(entry: Any) -> bool:
    """Whether an entry is a list of arrays or of names, not of numbers."""
    return isinstance(entry, (list, tuple)) and any(
        _has_axes(one) or isinstance(one, (str, os.PathLike)) or _holds_more(one) for one in entry
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
