"""What is known of a tensor in a graph that is not run: where it is from, and which numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np


class Value(NamedTuple):
    """A tensor.

    Attributes:
        origins: Names of the arguments that it depends on.
        as_it_is: Whether its elements are elements of these arguments or of constants, or were
            picked, rounded, counted or ordered among them, but not computed with.
        numbers: All of its elements where it depends on no argument; `None` if not known.
    """

    origins: frozenset[str] = frozenset()
    as_it_is: bool = True
    numbers: tuple[float, ...] | None = None


CONSTANT = Value()

_FIRST = """
    All Any ArgMax ArgMin BatchToSpaceND BroadcastTo Cast Ceil ClipByValue DeepCopy EnsureShape
    ExpandDims Floor GatherNd GatherV2 Identity IsFinite IsInf IsNan LogicalNot Max MaxPool Mean Min
    MirrorPad OneHot Pad PadV2 PreventGradient ReadVariableOp Relu Reshape ReverseV2 Rint Roll Round
    Sign Slice Snapshot SplitV Squeeze StopGradient StridedSlice Sum TensorListFromTensor
    TensorListGetItem TensorListStack Tile Transpose Unpack
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
_LONG = 256
_FILLED = {"ZerosLike": (0.0,), "OnesLike": (1.0,)}
_ARITHMETIC: dict[str, Callable[..., float]] = {
    "Add": lambda a, b: a + b,
    "AddV2": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
    "Neg": lambda a: -a,
    "Sub": lambda a, b: a - b,
}


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
        return Value(value.origins, found.as_it_is, numbers)
    single = all(len(v.numbers or ()) == 1 for v in inputs)
    if operation == "Range" and single:
        steps = np.arange(*(v.numbers[0] for v in inputs if v.numbers))
        return CONSTANT._replace(numbers=tuple(map(float, steps)) if len(steps) < _LONG else None)
    if operation in _ARITHMETIC and single:
        number = _ARITHMETIC[operation](*(v.numbers[0] for v in inputs if v.numbers))
        return CONSTANT._replace(numbers=(number,))
    return Value(value.origins, not value.origins)


def joined(values: Sequence[Value]) -> Value:
    """A tensor that is put together from others."""
    numbers = [value.numbers for value in values]
    return Value(
        frozenset().union(*(value.origins for value in values)),
        all(value.as_it_is for value in values),
        None if None in numbers else tuple(n for part in numbers for n in part or ()),
    )


def merged(values: Sequence[Value]) -> Value:
    """A tensor that is one or other of some."""
    return joined(values)._replace(numbers=joined(list(dict.fromkeys(values))).numbers)
