"""Whether values of targets are such as their losses take: on a GPU nobody else would say it."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any

from keras_ms.data.roles import OF_INTEGERS, Leaf
from keras_ms.data.skipped import first_level_outside
from keras_ms.data.values import Values
from keras_ms.gradients.known_losses import CLASSES, KNOWN, ONE_HOT
from keras_ms.gradients.losses_of_targets import name_of, option_of
from keras_ms.gradients.whole_numbers import MOST_CLASSES

_ROUNDING = 1e-4
"""What resizing, or a sum of shares, may add."""
_WEIGHED = 100.0
"""Shares times more are hardly weighed, but shades of a mask."""

_WHITE = 255
ANOTHER = "another loss, or other units"
SPARSE = "keras.losses.SparseCategoricalCrossentropy"

Check = Callable[[Values], None]
"""Raises a ValueError if values are not such as a loss takes."""


def check_of(leaf: Leaf, loss: Any, kind: str, outputs: int | None, asks: bool) -> Check | None:
    """What the values of one target are to be, in examples that are there and in later ones.

    Args:
        leaf: The target, its role not told by a loss yet.
        loss: Its loss.
        kind: Which loss of Keras, or of this library, it is; empty for one's own.
        outputs: Last side of the network's output; `None` if it is not known.
        asks: Whether to ask for the role of integers that may be an image as well as classes.

    Returns:
        A check, which raises a `ValueError`: if values are no classes of the network, lie where the
        loss does not want them, or may be an image as well as classes. `None` if they may be any.
    """
    known = KNOWN.get(kind)
    if known is not None and known.takes == CLASSES:
        return functools.partial(_check_classes, leaf, loss, kind, outputs)
    if known is not None and known.within is not None:
        weighed = known.takes == ONE_HOT and leaf.dtype.is_floating
        check = _warn_of_range if weighed else _check_range
        return functools.partial(check, leaf, kind, outputs, *known.within)
    if asks and leaf.reason == OF_INTEGERS:
        return functools.partial(_check_few, leaf, name_of(loss))
    return None


def _check_classes(leaf: Leaf, loss: Any, kind: str, outputs: int | None, values: Values) -> None:
    if not values.whole:
        raise ValueError(
            f"Under {kind} targets are numbers of classes, which are whole. Received: {leaf.name} "
            f"of {leaf.dtype.name}, example {values.fraction_in} with other numbers, from "
            f"{values.low:g} to {values.high:g}. Use a loss of values, or the numbers of classes."
        )
    if outputs is None or outputs < 2 or option_of(loss, "axis", -1) != -1:
        return
    void = option_of(loss, "ignore_class", None)
    for number, name in _numbers(values):
        if not 0 <= number < outputs and number != void:
            raise ValueError(
                "Classes are numbers from 0 to one less than the outputs of the network. Received: "
                f"{leaf.name} with values from {values.low:g} to {values.high:g} under {kind}, "
                f"{outputs} outputs; {number:g} in example {name}. Use ignore_class of the loss "
                "for what is no class, more outputs, or the numbers of classes in place of shades."
            )


def _numbers(values: Values) -> list[tuple[float, str]]:
    """Whole numbers, each with an example; the extremes alone where there are too many."""
    if values.numbers is not None:
        return [(float(number), name) for number, name in values.numbers.items()]
    return [(values.low, values.low_in), (values.high, values.high_in)]


def _check_range(
    leaf: Leaf, kind: str, outputs: int | None, low: float, high: float, values: Values
) -> None:
    if not _lie_within(values, low, high):
        raise ValueError(_out_of_range(leaf, kind, outputs, low, high, values))


def _warn_of_range(
    leaf: Leaf, kind: str, outputs: int | None, low: float, high: float, values: Values
) -> None:
    """Shares may be weighed, so floats beyond 1 are not refused; shades are warned of."""
    if values.high > _WEIGHED and not _lie_within(values, low, high):
        message = _out_of_range(leaf, kind, outputs, low, high, values)
        warnings.warn(message, stacklevel=first_level_outside())


def _lie_within(values: Values, low: float, high: float) -> bool:
    return bool(values.low >= low - _ROUNDING and values.high <= high + _ROUNDING)


def _out_of_range(
    leaf: Leaf, kind: str, outputs: int | None, low: float, high: float, values: Values
) -> str:
    """What is wrong with values outside of a range, and what to use."""
    name = values.high_in if values.high > high + _ROUNDING else values.low_in
    wanted = "targets lie between 0 and 1."
    if (low, high) != (0, 1):
        within = f"between {low:g} and {high:g}" if high < math.inf else f"not below {low:g}"
        wanted = f"targets lie {within}."
    one_a_class = outputs is not None and tuple(leaf.shape)[-1:] == (outputs,)
    mend = _mend(kind, outputs, one_a_class, values) if high < math.inf else ANOTHER
    return (
        f"Under {kind} {wanted} Received: {leaf.name} of {leaf.dtype.name} with "
        f"values from {values.low:g} to {values.high:g}, in example {name}. Use {mend}."
    )


def _mend(kind: str, outputs: int | None, one_a_class: bool, values: Values) -> str:
    """What to use in place of whole numbers beyond 1: shades of masks, or numbers of classes."""
    if KNOWN[kind].takes == ONE_HOT and values.whole and not one_a_class:
        return (
            f"{SPARSE} for numbers of classes, or a share of every class, "
            f"keras.utils.to_categorical(y, {outputs or 'classes'})"
        )
    few = values.whole and values.low >= 0 and values.high < _WHITE
    if few and (outputs == 1 or not one_a_class):
        return f"(y > 0), y / 255 of shades, or {SPARSE} and an output a class for their numbers"
    return "(y > 0), or y / 255 of shades"


def _check_few(leaf: Leaf, name: str, values: Values) -> None:
    if values.most > MOST_CLASSES:
        raise ValueError(
            "It cannot be seen whether a target is an image, to be averaged, or a map of "
            f"classes. Received: {leaf.name} of {leaf.dtype.name} with {values.most} values in one "
            f"example, under the loss {name}. Say which: roles={{'{leaf.name}': 'image'}}, or "
            "'class_map'."
        )
