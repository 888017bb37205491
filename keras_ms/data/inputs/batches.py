"""Whether elements are examples or batches of them, and examples out of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

UNBATCHED = "batches are taken apart into examples"
HOW = (
    "Use `.unbatch()` (or give examples one by one) if the first axis counts examples; say "
    "image_size=(height, width), or levels=keras_ms.Levels(batch_sizes, spatial_dims=...), if it "
    "cannot be seen how many dimensions images have."
)


def are_batches(
    example: Any, spatial_dims: int | None, known: bool | None = None, first: Any = None
) -> bool:
    """Whether the first axis of all leaves counts examples.

    Pictures tell: with `spatial_dims` axes and one of channels an example, with one more a batch.
    Where the dimensions are open, what is known of the source decides. Without that, leaves of
    four axes are batches if their first side alone is open, or if a label is as long as it.

    Args:
        example: Structure of arrays or specs.
        spatial_dims: Spatial dimensions of an image; `None` if they are to be found.
        known: What is known of the source: its elements are batches, or are not, or `None`.
        first: The first element, of NumPy arrays, which tells where specs do not even know the
            number of axes.

    Raises:
        ValueError: If it cannot be told.
    """
    leaves = keras.tree.flatten(example)
    seen = leaves if first is None else keras.tree.flatten(first)
    declared = [_shape(leaf) for leaf in leaves]
    pairs = zip(declared, seen, strict=True)
    shapes = [tuple(leaf.shape) if shape is None else shape for shape, leaf in pairs]
    ranks = [len(shape) for shape in shapes]
    firsts = {shape[0] for shape in shapes if shape}
    if min(ranks) == 0 or len(firsts - {None}) > 1:
        if known:
            raise ValueError(
                "Leaves of a batch have one length, the number of its examples. Received: shapes "
                f"{_shown(shapes)}."
            )
        return False  # one leaf counts other things than another
    most = max(ranks)
    if spatial_dims is None:
        told = [shape for shape in declared if shape is not None]
        open_first = bool(told) and all(s[0] is None and None not in s[1:] for s in told)
        return _by_source(shapes, most, known, open_first)
    if most == spatial_dims + 1 and known:
        raise ValueError(
            f"It cannot be told whether elements are batches. Received: shapes {_shown(shapes)} "
            f"after a batch(...), and images of {spatial_dims} dimensions. {HOW} Images have an "
            "axis of channels."
        )
    if most > spatial_dims + 2:
        raise ValueError(
            f"Examples have at most {spatial_dims + 1} axes, batches of them one more. Received: "
            f"shapes {_shown(shapes)}. {HOW}"
        )
    return most == spatial_dims + 2


def _by_source(shapes: list[Any], most: int, known: bool | None, open_first: bool) -> bool:
    if known is not None:
        return known
    if most <= 2:
        return False
    if open_first or most > 4:  # nothing has four spatial dimensions
        return True
    if most < 4:
        return False
    if any(len(shape) == 1 for shape in shapes):  # a label an example
        return True
    raise ValueError(
        "It cannot be told whether elements are batches of pictures or volumes. Received: shapes "
        f"{_shown(shapes)}. {HOW}"
    )


def _shape(leaf: Any) -> tuple[int | None, ...] | None:
    shape = leaf.shape
    return None if getattr(shape, "rank", 0) is None else tuple(shape)


def _shown(shapes: list[Any]) -> str:
    return ", ".join(str(shape) for shape in shapes)


def examples_in(elements: Iterator[tuple[str, Any]], batched: bool) -> Iterator[tuple[str, Any]]:
    """Examples by name, of elements that are some or are batches of some; errors pass."""
    for name, element in elements:
        if batched and not isinstance(element, ValueError):
            yield from taken_apart(name, element)
        else:
            yield name, element


def taken_apart(name: str, batch: Any) -> Iterator[tuple[str, Any]]:
    """The examples of a batch of NumPy arrays, or an error if its leaves differ in length."""
    leaves = keras.tree.flatten(batch)
    lengths = {leaf.shape[0] if leaf.ndim else 0 for leaf in leaves}
    if len(lengths) != 1:
        shapes = _shown([leaf.shape for leaf in leaves])
        yield (
            name,
            ValueError(f"A batch has leaves of different lengths. Received: shapes {shapes}."),
        )
        return
    for row in range(lengths.pop()):
        yield f"{name}[{row}]", row_of(batch, row)


def row_of(batch: Any, row: int) -> Any:
    """An example of a batch of NumPy arrays; a copy, since a view would keep the whole batch."""
    return keras.tree.map_structure(lambda leaf: np.array(leaf[row]), batch)
