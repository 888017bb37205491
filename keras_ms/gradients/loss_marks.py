"""What a loss compares its arguments with, read from its graph.

A loss that leaves out pixels marked as unknown couples samples only where there are marks. Trial
examples may have none, and -100, -9999 or 254 cannot be guessed. But the loss has to ask for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

_SAMENESS = ("Equal", "NotEqual")
_COMPARISONS = (*_SAMENESS, "Less", "LessEqual", "Greater", "GreaterEqual")
_PASSING = ("Cast", "Identity", "ExpandDims", "Reshape")
_MOST = 12


def marks_in(graph: Any) -> list[float]:
    """Numbers that a graph compares tensors with, and what is on either side of a threshold.

    Args:
        graph: A `tf.Graph` in which a loss was traced. What is in inner functions is not seen.

    Returns:
        At most a dozen numbers, none twice.
    """
    found: dict[float, None] = {}
    for operation in graph.get_operations():
        if operation.type in _COMPARISONS:
            for value in filter(np.isfinite, _constants(operation)):
                beside = () if operation.type in _SAMENESS else (value - 1.0, value + 1.0)
                found.update(dict.fromkeys((value, *beside)))
    return list(found)[:_MOST]


def _constants(operation: Any) -> Iterator[float]:
    for tensor in operation.inputs:
        while tensor.op.type in _PASSING:
            tensor = tensor.op.inputs[0]
        value = tf.get_static_value(tensor)
        if value is not None and np.size(value) == 1 and np.issubdtype(value.dtype, np.number):
            yield float(np.reshape(value, -1)[0])
