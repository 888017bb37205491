"""Whether values of targets are such as their losses take: on a GPU nobody else would say it."""

from __future__ import annotations

from typing import Any

import numpy as np

from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.roles import OF_INTEGERS, Leaf
from keras_ms.gradients.whole_numbers import MOST_CLASSES

_OF_SHARES = ("binary_crossentropy", "binary_focal_crossentropy", "dice", "tversky")
_OF_ONE_HOT = ("categorical_crossentropy", "categorical_focal_crossentropy")


def check_values(pairs: PairBatches, leaf: Leaf, loss: Any, name: str, outputs: int | None) -> None:
    """Checks the values of one target in those examples that are there.

    Args:
        pairs: The examples.
        leaf: The target, its role not told by a loss yet.
        loss: Its loss.
        name: Name of the loss; empty if it has none.
        outputs: Last side of the network's output; `None` if it is not known.

    Raises:
        ValueError: If values are no classes of the network, are not between 0 and 1 where the loss
            wants that, or may be an image as well as classes.
    """
    if not name or leaf.name in pairs.examples.ranges:
        return
    if "sparse" in name:
        _check_classes(pairs, leaf, loss, name, outputs)
    elif name in _OF_SHARES or (name in _OF_ONE_HOT and not leaf.dtype.is_floating):
        _check_shares(pairs, leaf, name)
    elif leaf.reason == OF_INTEGERS and name not in _OF_ONE_HOT:
        _check_few(pairs, leaf, name)


def _check_classes(
    pairs: PairBatches, leaf: Leaf, loss: Any, name: str, outputs: int | None
) -> None:
    if outputs is None or outputs < 2 or getattr(loss, "axis", -1) != -1:
        return
    void = getattr(loss, "ignore_class", None)
    for values in pairs.some(leaf.name):
        values = values if void is None else values[values != void]
        if values.size and not 0 <= values.min() <= values.max() < outputs:
            raise ValueError(
                "Classes are numbers from 0 to one less than the outputs of the network. Received: "
                f"{leaf.name} with values from {values.min():g} to {values.max():g} under {name}, "
                f"{outputs} outputs. Use ignore_class of the loss for what is no class, more "
                "outputs, or the numbers of classes in place of shades."
            )


def _check_shares(pairs: PairBatches, leaf: Leaf, name: str) -> None:
    for values in pairs.some(leaf.name):
        low, high = float(values.min(initial=0)), float(values.max(initial=0))
        if low < 0 or high > 1:
            raise ValueError(
                f"Under {name} targets lie between 0 and 1. Received: {leaf.name} of "
                f"{leaf.dtype.name} with values from {low:g} to {high:g}. Use (y > 0), or y / 255 "
                "of shades."
            )


def _check_few(pairs: PairBatches, leaf: Leaf, name: str) -> None:
    for values in pairs.some(leaf.name, 3):
        if (count := len(np.unique(values))) > MOST_CLASSES:
            raise ValueError(
                "It cannot be seen whether a target is an image, to be averaged, or a map of "
                f"classes. Received: {leaf.name} of {leaf.dtype.name} with {count} values in one "
                f"example, under the loss {name}. Say which: roles={{'{leaf.name}': 'image'}}, or "
                "'class_map'."
            )
