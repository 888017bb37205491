"""What the calls of a network's graph read and set, found by a trace of which nothing is kept.

What is computed again in the backward pass finds variables as they are then. A call that sets a
trainable weight would set it twice, and be differentiated through what it set: such calls, and
those that read that weight, are done once.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_ms.keras_internals.graphs import (
    called,
    graph_nodes,
    run_nodes,
    takes_tensors_as_they_are,
)

SIDE = 256
"""Pixels a side that are tried where an input leaves its sides open."""
_ONCE = ("Assign", "ResourceApply", "ResourceScatter", "PyFunc", "EagerPyFunc")
_DRAWN = ("Random", "StatefulRandom", "TruncatedNormal", "ParameterizedTruncated", "Multinomial")
"""Beginnings of names of operations that set variables of TensorFlow's, or draw from its state."""


@dataclasses.dataclass(frozen=True, eq=False)
class Effect:
    """What one call of a layer does to variables.

    Attributes:
        read: The Keras variables that it reads, by identity.
        assigned: Those that it sets.
        operations: Types of TensorFlow's operations, those of inner functions too.
    """

    read: dict[int, keras.Variable] = dataclasses.field(default_factory=dict)
    assigned: dict[int, keras.Variable] = dataclasses.field(default_factory=dict)
    operations: set[str] = dataclasses.field(default_factory=set)

    @property
    def once(self) -> bool:
        """Whether it cannot be done twice, as what it sets or draws is TensorFlow's own."""
        return any(name.startswith((*_ONCE, *_DRAWN)) for name in self.operations)


class InTraining(keras.layers.Layer):
    """A function of tensors as a layer, within which layers know that they are being trained.

    A layer, since outside of a model there is none around that says that one is in training.
    """

    def __init__(self, function: Callable[[list[Any]], list[Any]], dtype: Any) -> None:
        super().__init__(dtype=dtype)
        takes_tensors_as_they_are(self)
        object.__setattr__(self, "function", function)  # not tracked: the layers are the model's
        self.built = True

    def call(self, tensors: list[Any], training: bool | None = None) -> list[Any]:
        """What the function returns."""
        return self.function(tensors)


class _Noting(keras.StatelessScope):
    """Notes what is read and set, without setting it."""

    def __init__(self) -> None:
        super().__init__(collect_losses=True, initialize_variables=False)
        self.effect = Effect()

    def get_current_value(self, variable: keras.Variable) -> Any:
        self.effect.read[id(variable)] = variable
        return super().get_current_value(variable)

    def add_update(self, update: tuple[keras.Variable, Any]) -> None:
        self.effect.assigned[id(update[0])] = update[0]
        super().add_update(update)


def effects_of(model: Any) -> dict[int, Effect]:
    """What the calls of a functional model's graph do, by identity of their nodes.

    Args:
        model: A functional model.

    Returns:
        Calls from one on may be missing: that one, or what comes before it, cannot be traced.
    """
    found: list[dict[int, Effect]] = []
    for side in (None, SIDE):
        effects: dict[int, Effect] = {}
        found.append(effects)
        with contextlib.suppress(Exception):  # whatever layers raise that do not take that size
            _trace(model, side, effects)
            break
    return max(found, key=len)


def _trace(model: Any, side: int | None, effects: dict[int, Effect]) -> None:
    nodes = graph_nodes(model)
    operations: dict[int, list[Any]] = {}

    def run(tensors: list[Any]) -> list[Any]:
        values = dict(zip(map(id, model.inputs), tensors, strict=True))
        graph = tf.compat.v1.get_default_graph()
        with _Noting() as scope:
            for node in nodes:
                scope.effect = Effect()
                before = len(graph.get_operations())
                run_nodes([node], values, called(training=True))
                operations[id(node)] = graph.get_operations()[before:]
                effects[id(node)] = scope.effect
        return []

    layer = InTraining(run, model.dtype_policy)
    specs = [_spec(tensor, side) for tensor in model.inputs]
    traced = tf.function(lambda *tensors: layer(list(tensors), training=True), autograph=False)
    graph = traced.get_concrete_function(*specs).graph
    functions = {f.signature.name: f.node_def for f in graph.as_graph_def().library.function}
    for key, of_node in operations.items():
        definitions = [operation.node_def for operation in of_node]
        effects[key].operations.update(_types(definitions, functions))


def _spec(tensor: Any, side: int | None) -> tf.TensorSpec:
    shape = tensor.shape if side is None else [1, *(s or side for s in tensor.shape[1:])]
    return tf.TensorSpec(shape, tensor.dtype)


def _types(nodes: Iterable[Any], functions: Mapping[str, Any]) -> Iterator[str]:
    """Types of operations, and of those within the functions that they call."""
    ahead, seen = [*nodes], set()
    while ahead:
        node = ahead.pop()
        yield node.op
        for value in node.attr.values():
            for function in (value.func, *value.list.func):
                if function.name in functions and function.name not in seen:
                    seen.add(function.name)
                    ahead += functions[function.name]
