"""What a loss compares its arguments with, read from its graph and from the functions it calls.

A loss that leaves out pixels marked as unknown couples samples only where there are marks. Trial
examples may have none, and -100, -9999 or 254 cannot be guessed. But the loss has to ask for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from keras_ms.gradients.graph_values import CONSTANT, MOST, Value, few, joined, merged, passed

_SAMENESS = ("Equal", "NotEqual", "ApproximateEqual")
_COMPARISONS = (*_SAMENESS, "Less", "LessEqual", "Greater", "GreaterEqual")
_OPAQUE = ("EagerPyFunc", "PyFunc", "PyFuncStateless")
_LENGTHS = ("Abs", "Square")
_LOOKING_UP = ("GatherV2", "ResourceGather")
_BOUNDS = ("Maximum", "Minimum")
_BOOL = tf.bool.as_datatype_enum
_ZERO = CONSTANT._replace(numbers=(0.0,))
_OF_INFINITY = ("IsInf", "IsFinite")
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_BRANCHES = ("If", "StatelessIf", "Case", "StatelessCase")
_LOOPS = ("While", "StatelessWhile")
_ROUNDS = 3
"""Through loops: what comes round carries where it is from, from one variable to the next."""
_LONGEST = 2**16
"""Classes of a table that may be looked up."""


class Marks(NamedTuple):
    """Numbers that arguments of a loss are compared with, and what is beside a threshold.

    Attributes:
        x: Those for inputs.
        y: Those for targets.
        weights: Those for sample weights.
        unread: Whether targets are compared with more than can be read.
    """

    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    weights: tuple[float, ...] = ()
    unread: bool = False


UNREAD = Marks(unread=True)
"""Of a loss that is no graph."""


def marks_in(function: Any, names: Mapping[str, str]) -> Marks:
    """Reads the comparisons of a loss.

    Args:
        function: A concrete `tf.function`.
        names: Which of "x", "y", "y_pred" and "weights" each of its tensors is, by name.
    """
    graph = function.graph.as_graph_def()
    reader = _Reader({f.signature.name: f for f in graph.library.function})
    captured = function.captured_inputs
    own = function.inputs[: len(function.inputs) - len(captured)]
    env = {t.op.name: [Value(frozenset([names[t.name]]))] for t in own if t.name in names}
    values = [_captured(c, function.graph.variables) for c in captured]
    inner = function.inputs[len(own) :]
    env.update({t.op.name: [value] for t, value in zip(inner, values, strict=True)})
    reader.run(graph.node, env)
    return reader.marks()


def _captured(tensor: Any, variables: Iterable[Any]) -> Value:
    """A tensor from outside of a graph, or a variable at present."""
    if tensor.dtype == tf.resource:
        found = [v for v in variables if v.handle is tensor]
        return _constant(found[0].numpy()) if found else CONSTANT
    return _constant(tensor.numpy()) if hasattr(tensor, "numpy") else CONSTANT


def _constant(array: Any) -> Value:
    array = np.asarray(array)
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == bool):
        return CONSTANT
    table = tuple(map(float, array)) if array.ndim == 1 and array.size <= _LONGEST else ()
    return CONSTANT._replace(numbers=few(array), table=table)


class _Reader:
    """Follows values through nodes of a graph, and notes what they are compared with."""

    def __init__(self, library: Mapping[str, Any]) -> None:
        self._library = library
        self._found: dict[str, dict[float, None]] = {"x": {}, "y": {}, "weights": {}}
        self._unread = False

    def marks(self) -> Marks:
        """What has been found; numbers beyond the `MOST` count as unread."""
        x, y, weights = (tuple(found) for found in self._found.values())
        unread = self._unread or len(y) > MOST
        return Marks(x[:MOST], y[:MOST], weights[:MOST], unread)

    def run(self, nodes: Iterable[Any], env: dict[str, list[Value]]) -> None:
        """Adds values of the outputs of nodes to those of others, by name."""
        by_name = {node.name: node for node in nodes}
        waiting = list(by_name)[::-1]
        while waiting:
            node = by_name[waiting[-1]]
            if node.name in env:
                waiting.pop()
                continue
            ready = [_source(name)[0] for name in _data(node)]
            missing = [name for name in ready if name not in env and name in by_name]
            if missing:
                waiting.extend(missing)
                continue
            inputs = [_output(env, name) for name in _data(node)]
            env[node.name] = self._outputs(node, inputs)
            waiting.pop()

    def _outputs(self, node: Any, inputs: list[Value]) -> list[Value]:
        if node.op == "IdentityN":
            return inputs
        if node.op in self._library:
            return self._called(node.op, inputs)
        if node.op in _CALLS:
            return self._called(node.attr["f"].func.name, inputs)
        if node.op in _BRANCHES:
            return self._branched(_functions(node), inputs)
        if node.op in _LOOPS:
            return self._looped(node, inputs)
        return [self._output(node, inputs)]

    def _output(self, node: Any, inputs: list[Value]) -> Value:
        if node.op == "Const":
            return _constant(tf.make_ndarray(node.attr["value"].tensor))
        if node.op in _COMPARISONS:
            return self._compared(node.op, *inputs)
        if node.op in _OPAQUE and "y" in joined(inputs).origins:
            self._unread = True
        if node.op == "Sign" or (node.op == "Cast" and node.attr["DstT"].type == _BOOL):
            return self._compared("NotEqual", inputs[0], _ZERO)
        self._note_kinks(node.op, inputs)
        return passed(node.op, inputs)

    def _note_kinks(self, operation: str, inputs: list[Value]) -> None:
        """Notes where something else begins for targets, of what is no comparison."""
        if operation in _OF_INFINITY:
            self._note(inputs[0], (np.inf,))
        if operation in _LENGTHS and inputs[0].origins == {"y"}:
            self._note_number(inputs[0], 0.0, same=True)
        if operation in _LOOKING_UP and inputs[0].table:
            table = inputs[0].table  # one of class weights: 0 of classes that do not count
            self._note(inputs[1], map(float, {table.index(f(table)) for f in (min, max)}))
        if operation in _BOUNDS and joined(inputs).origins == {"y"}:
            for value, bound in (inputs, inputs[::-1]):
                for number in bound.numbers or ():
                    self._note_number(value, number, same=False)

    def _called(self, name: str, inputs: Sequence[Value]) -> list[Value]:
        function = self._library[name]
        arguments = [argument.name for argument in function.signature.input_arg]
        env = {name: [value] for name, value in zip(arguments, inputs, strict=True)}
        self.run(function.node_def, env)
        return [_output(env, function.ret[out.name]) for out in function.signature.output_arg]

    def _branched(self, names: Sequence[str], inputs: Sequence[Value]) -> list[Value]:
        found = [self._called(name, inputs[1:]) for name in names]
        return [merged(values) for values in zip(*found, strict=True)]

    def _looped(self, node: Any, inputs: list[Value]) -> list[Value]:
        for _ in range(_ROUNDS):
            after = self._called(node.attr["body"].func.name, inputs)
            inputs = [merged(pair) for pair in zip(inputs, after, strict=True)]
        self._called(node.attr["cond"].func.name, inputs)
        return inputs

    def _compared(self, kind: str, one: Value, other: Value) -> Value:
        read = True
        for value, constant in ((one, other), (other, one)):
            if not value.origins or constant.origins:
                continue
            same = kind in _SAMENESS
            exact = [self._note_number(value, n, same) for n in constant.numbers or ()]
            read = value.as_it_is and constant.numbers is not None and (all(exact) or not same)
            if value.origins == {"y"} and not read:
                self._unread = True
        return Value(one.origins | other.origins, read)

    def _note_number(self, value: Value, number: float, same: bool) -> bool:
        """Notes what an argument is where the value is a number; whether that is exact."""
        found = (number - value.shift) / value.scale
        self._note(value, (found,) if same else (found, found - 1.0, found + 1.0))
        again = np.float32(found) * np.float32(value.scale) + np.float32(value.shift)
        return bool(again == np.float32(number))

    def _note(self, value: Value, numbers: Iterable[float]) -> None:
        for name in ("x", "weights"):
            if value.origins == {name} and value.as_it_is:
                self._found[name].update(dict.fromkeys(numbers))
        if value.origins & {"y", "y_pred"}:
            self._found["y"].update(dict.fromkeys(numbers))


def _functions(node: Any) -> list[str]:
    branches = node.attr["branches"].list.func or (
        node.attr["then_branch"].func,
        node.attr["else_branch"].func,
    )
    return [branch.name for branch in branches]


def _data(node: Any) -> list[str]:
    return [name for name in node.input if not name.startswith("^")]


def _source(name: str) -> tuple[str, int]:
    """Node and output of `node`, `node:1` in a graph, or `node:output:1` in a function."""
    node, *rest = name.split(":")
    return node, int(rest[-1]) if rest else 0


def _output(env: Mapping[str, list[Value]], name: str) -> Value:
    node, index = _source(name)
    found = env.get(node, [Value()])
    # Of other operations than calls all outputs are alike.
    return found[min(index, len(found) - 1)] if found else Value()
