"""Targets whose loss takes classes, and that are read as pictures, or hold fractions.

Such a loss casts them: index masks, scaled to 0 ... 1, are class 0 everywhere, and learned as that.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection
from typing import Any

import numpy as np

from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.roles import OF_SOURCE, SAID, Leaf
from keras_ms.data.skipped import first_level_outside
from keras_ms.gradients import known_losses
from keras_ms.gradients.losses_of_targets import kind_of, name_of
from keras_ms.gradients.whole_numbers import MOST_CLASSES, casts

_DARK = 0.25
"""Part of the range of values below which all values of pictures are seldom."""
_SHOWN = 5


def check_classes_are_read(pairs: PairBatches, leaf: Leaf, loss: Any, outputs: int | None) -> None:
    """Checks that a target whose loss takes classes is not read as a picture.

    Args:
        pairs: The examples.
        leaf: The target, its role not told by a loss yet.
        loss: Its loss; `None` if the model has one of its own.
        outputs: Last side of the network's output; `None` if it is not known.

    Raises:
        ValueError: If it is read as a picture, holds what is no whole number, or looks like
            indices of classes where a loss wants shares.

    Warns:
        UserWarning: If a picture looks like indices of classes.
    """
    pictures = leaf.role == "image" and leaf.reason == OF_SOURCE
    kind, name = ("", "of the model") if loss is None else (kind_of(loss), name_of(loss))
    fractions = _has_fractions(pairs, leaf)
    takes = known_losses.takes(kind, known_losses.CLASSES)
    if loss is not None and not kind and leaf.reason != SAID:
        takes = (pictures or fractions) and _casts(leaf, loss, outputs)
    if takes and kind and leaf.role == "image" and leaf.reason == SAID:
        raise ValueError(
            f"{name} takes numbers of classes, whose mean is none. Received: "
            f"roles={{'{leaf.name}': 'image'}} under {name}. Say 'class_map', or nothing."
        )
    if takes and pictures:
        raise ValueError(_of_pictures(pairs, leaf, name, outputs))
    # Other fractions under losses of Keras are refused with the checks of values.
    if takes and fractions and (not kind or leaf.name in pairs.examples.ranges):
        raise ValueError(_of_fractions(pairs, leaf, name))
    if pictures and _look_like_indices(pairs, leaf):
        message = _of_indices(pairs, leaf, name, outputs)
        if kind and not known_losses.takes(kind, known_losses.VALUES):
            raise ValueError(message)
        warnings.warn(message, stacklevel=first_level_outside())


def _casts(leaf: Leaf, loss: Any, outputs: int | None) -> bool:
    if leaf.ratio is None or (leaf.channels and leaf.shape[-1] != 1):
        return False
    return casts(loss, tuple(side or 8 for side in leaf.shape), outputs)


def _has_fractions(pairs: PairBatches, leaf: Leaf) -> bool:
    """Whether values, as batches hold them, are not all whole numbers."""
    if not pairs.evidence.values[leaf.name].whole:
        return True
    low, high = pairs.examples.ranges.get(leaf.name, (0.0, 1.0))
    scaled = (_values(pairs, leaf) - low) / (high - low)
    return not np.array_equal(scaled, np.rint(scaled))


def _look_like_indices(pairs: PairBatches, leaf: Leaf) -> bool:
    """Whether integers in one band use few values, all in the darkest part of their range."""
    of_range, found = pairs.examples.ranges.get(leaf.name), pairs.evidence.values[leaf.name]
    if of_range is None or leaf.dtype.is_floating or leaf.shape[-1] != 1 or not found.numbers:
        return False
    low, high = of_range
    return len(found.numbers) <= MOST_CLASSES and low < found.high <= low + _DARK * (high - low)


def _values(pairs: PairBatches, leaf: Leaf) -> np.ndarray:
    """Values, as stored, in order: all whole numbers if they are few, else the extremes."""
    found = pairs.evidence.values[leaf.name]
    whole: Collection[float] = (found.numbers or ()) if found.whole else ()
    return np.array(sorted(whole or {found.low, found.high}))


def _received(pairs: PairBatches, leaf: Leaf) -> str:
    found = _values(pairs, leaf)
    shown = ", ".join(f"{value:g}" for value in found[:_SHOWN]) + ", ..." * (len(found) > _SHOWN)
    values = pairs.examples.ranges.get(leaf.name)
    scaled = "" if values is None else f", of which {values[0]:g} to {values[1]:g} become 0 to 1"
    return f"Received: {leaf.name} of {leaf.dtype.name} with the values {shown}{scaled}"


def _mend(pairs: PairBatches, leaf: Leaf, outputs: int | None) -> str:
    """What `classes` may be for such files."""
    found, known = _values(pairs, leaf), outputs if outputs and outputs > 1 else 0
    if leaf.channels and leaf.shape[-1] != 1:
        classes = "[(0, 0, 0), (255, 0, 0), ...], the colours of the classes"
    elif not np.array_equal(found, np.rint(found)) or len(found) > MOST_CLASSES:
        classes = "a number, or a mapping of shades to classes"
    elif found[-1] < (known or MOST_CLASSES):
        classes = str(known or int(found[-1]) + 1)
    else:
        classes = str({int(value): number for number, value in enumerate(found)})
    return f"keras_ms.data.FolderPairs(..., classes={classes}) (in the apps: --classes)"


def _of_pictures(pairs: PairBatches, leaf: Leaf, name: str, outputs: int | None) -> str:
    return (
        f"The loss {name} takes classes, and its target is read as a picture, which is averaged. "
        f"{_received(pairs, leaf)}. Say how masks show classes: {_mend(pairs, leaf, outputs)}."
    )


def _of_fractions(pairs: PairBatches, leaf: Leaf, name: str) -> str:
    example = pairs.evidence.values[leaf.name].fraction_in
    where = f", example {example}" if example else ""
    return (
        f"The loss {name} takes classes, which are whole numbers: it cuts off what is behind the "
        f"point. {_received(pairs, leaf)}{where}. Give numbers of classes in place of shades, or "
        "another loss."
    )


def _of_indices(pairs: PairBatches, leaf: Leaf, name: str, outputs: int | None) -> str:
    return (
        "A target that is read as a picture looks like indices of classes: few values, all dark. "
        f"{_received(pairs, leaf)}, under the loss {name}. If they are classes, use "
        f"{_mend(pairs, leaf, outputs)} and a loss of classes; if they are values, say which "
        f"become 0 and 1, such as target_range=(0, {_values(pairs, leaf)[-1]:g})."
    )
