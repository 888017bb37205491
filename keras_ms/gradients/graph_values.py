"""What is known of a tensor in a graph that is not run: where it is from, and which numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Value(NamedTuple):
    """A tensor.

    Attributes:
        origins: Names of the arguments that it depends on.
        as_it_is: Whether its elements are elements of these arguments or of constants, or were
            picked, rounded, counted or ordered among them, but not computed with beyond `scale` and
            `shift`.
        numbers: All of its elements where it depends on no argument; `None` if not known.
        scale: What these elements were multiplied by.
        shift: What was added afterwards.
        table: Elements of a constant vector in their order; empty of anything else.
    """

    origins: frozenset[str] = frozenset()
    as_it_is: bool = True
    numbers: tuple[float, ...] | None = None
    scale: float = 1.0
    shift: float = 0.0
    table: tuple[float, ...] = ()


CONSTANT = Value()
MOST = 24
"""Numbers that are told apart."""

_FIRST = """
    All Any ArgMax ArgMin BatchToSpaceND BroadcastTo Cast Ceil ClipByValue DeepCopy EnsureShape
    ExpandDims Floor GatherNd GatherV2 Identity IsFinite IsInf IsNan LogicalNot Max MaxPool Mean Min
    MirrorPad OneHot Pad PadV2 PreventGradient ReadVariableOp Relu Reshape ResourceGather ReverseV2
    Rint Roll Round Sign Slice Snapshot SplitV Squeeze StopGradient StridedSlice Sum
    TensorListFromTensor TensorListGetItem TensorListStack Tile Transpose Unpack
"""
_ALL = ("LogicalAnd", "LogicalOr", "Maximum", "Minimum", "Pack")
_SOME: dict[str, slice] = {
    "ConcatV2": slice(0, -1),
    "Fill": slice(1, 2),
    "Select": slice(1, None),
    "SelectV2": slice(1, None),
    "Split": slice(1, 2),
    "TensorListSetItem": slice(0, None, 2),
    **dict.fromkeys(_ALL, slice(None)),
    **dict.fromkeys(_FIRST.split(), slice(0, 1)),
}
"""Inputs of operations whose elements those of the output are, or are picked by."""
_COMPUTING = ("All", "Any", "ArgMax", "ArgMin", "Ceil", "Floor", "Mean", "OneHot", "Sign", "Sum")
"""Those of them that change the numbers of a constant."""
_SHAPES = ("Shape", "ShapeN", "Size", "Rank", "TensorListReserve", "EmptyTensorList")
_FILLED = {"ZerosLike": (0.0,), "OnesLike": (1.0,)}
_ARITHMETIC = ("Add", "AddV2", "Mul", "Neg", "RealDiv", "Sub")


def few(numbers: np.ndarray) -> tuple[float, ...] | None:
    """Different numbers in order; `None` of too many. Of all classes from 0 on, first and last do.

    Example:
        >>> few(np.array([3, 1, 3])), few(np.arange(150)), few(np.arange(100, 150))
        ((1.0, 3.0), (0.0, 149.0), None)
    """
    found = np.unique(numbers)
    if found.size > MOST and np.array_equal(found, np.arange(found.size)):
        found = found[[0, -1]]
    return tuple(map(float, found)) if found.size <= MOST else None


def passed(operation: str, inputs: Sequence[Value]) -> Value:
    """What comes out of an operation.

    Args:
        operation: Its type.
        inputs: What goes in.

    Example:
        >>> targets = Value(frozenset(["y"]))
        >>> passed("ExpandDims", [targets, CONSTANT]).as_it_is
        True
        >>> passed("Abs", [targets]).as_it_is
        False
    """
    if operation in _SHAPES:
        return CONSTANT
    if operation in _FILLED:
        return CONSTANT._replace(numbers=_FILLED[operation])
    value = joined(inputs)
    if operation in _SOME:
        found = joined(inputs[_SOME[operation]])
        numbers = None if operation in _COMPUTING or value.origins else found.numbers
        if operation in _COMPUTING:
            return Value(value.origins, found.as_it_is)
        return found._replace(origins=value.origins, numbers=numbers)
    single = all(len(v.numbers or ()) == 1 for v in inputs)
    if operation == "Range" and single:
        steps = np.arange(*(v.numbers[0] for v in inputs if v.numbers))
        return CONSTANT._replace(numbers=few(steps))
    if operation in _ARITHMETIC:
        return _computed(operation, *inputs)
    return Value(value.origins, not value.origins)


def _computed(operation: str, one: Value, other: Value | None = None) -> Value:
    """A tensor times a number, or plus one; others are not as they were."""
    if operation == "Neg":
        return _computed("Mul", one, CONSTANT._replace(numbers=(-1.0,)))
    assert other is not None
    origins = one.origins | other.origins
    value, constant = (other, one) if other.origins else (one, other)
    number = constant.numbers[0] if constant.numbers and len(constant.numbers) == 1 else None
    if constant.origins or number is None or (value is other and operation == "RealDiv"):
        return Value(origins, not origins)
    if operation == "RealDiv":
        operation, number = "Mul", 1.0 / number if number else 0.0
    if operation == "Sub":
        if value is other:
            value = _computed("Neg", value)
        else:
            number = -number
    scale, shift = (number, 0.0) if operation == "Mul" else (1.0, number)
    if value.numbers is not None:
        return value._replace(numbers=tuple(scale * n + shift for n in value.numbers))
    if not value.origins or not scale:
        return Value(origins, not origins)
    return value._replace(scale=scale * value.scale, shift=scale * value.shift + shift)


def joined(values: Sequence[Value]) -> Value:
    """A tensor that is put together from others."""
    numbers = [value.numbers for value in values]
    moved = list(dict.fromkeys((value.scale, value.shift) for value in values if value.origins))
    scale, shift = moved[0] if len(moved) == 1 else (1.0, 0.0)
    return Value(
        frozenset().union(*(value.origins for value in values)),
        all(value.as_it_is for value in values) and len(moved) < 2,
        None if None in numbers else tuple(n for part in numbers for n in part or ()),
        scale,
        shift,
    )


def merged(values: Sequence[Value]) -> Value:
    """A tensor that is one or other of some."""
    return joined(values)._replace(numbers=joined(list(dict.fromkeys(values))).numbers)
