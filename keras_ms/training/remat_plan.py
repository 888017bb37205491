"""Where a network's graph is cut, so that little is kept between pieces and each is small."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras

from keras_ms.keras_internals.graphs import graph_nodes, is_functional, run_nodes
from keras_ms.training.remat_effects import SIDE, Effect, effects_of

_TRIALS = 24


@dataclasses.dataclass(frozen=True, eq=False)
class Piece:
    """Some successive calls of layers.

    Attributes:
        nodes: The calls.
        inputs: Symbolic tensors from outside that they take.
        outputs: Symbolic tensors that calls after them take, or the model returns.
        again: Whether they are computed again in the backward pass.
        states: Variables that the calls may change: statistics and seeds.
    """

    nodes: list[Any]
    inputs: list[Any]
    outputs: list[Any]
    again: bool
    states: list[keras.Variable]

    def layers(self) -> list[keras.layers.Layer]:
        """The layers that are called."""
        return _layers(self.nodes)


class Doings:
    """What calls do to variables, for all graphs of a model.

    Args:
        model: A functional model.
        graphs: It, and the functional models within it.
    """

    def __init__(self, model: Any, graphs: list[Any]) -> None:
        self._effects: dict[int, Effect] = {}
        for graph in graphs:
            self._effects |= effects_of(graph)
        self._weights = {id(variable) for variable in model.trainable_variables}
        assigned = {key for effect in self._effects.values() for key in effect.assigned}
        self._moved = assigned & self._weights

    def alone(self, node: Any) -> bool:
        """Whether a call is to be done once, and by itself.

        Of what cannot be traced nobody knows.
        """
        effect = self._effects.get(id(node))
        if is_functional(node.operation) or effect is None or effect.once:
            return True
        return not self._moved.isdisjoint(effect.read | effect.assigned)

    def states(self, nodes: list[Any]) -> list[keras.Variable]:
        """Variables that calls may change, or find changed, but for trainable weights."""
        found = {id(v): v for layer in _layers(nodes) for v in layer.variables}
        for effect in (self._effects.get(id(node), Effect()) for node in nodes):
            found |= effect.read | effect.assigned
        return [variable for key, variable in found.items() if key not in self._weights]


def _layers(nodes: list[Any]) -> list[keras.layers.Layer]:
    found = {id(node.operation): node.operation for node in nodes}
    return [layer for layer in found.values() if isinstance(layer, keras.layers.Layer)]


def pieces(model: Any, doings: Doings | None = None) -> list[Piece]:
    """Cuts a functional model's graph, nested functional models apart, where it keeps least.

    Args:
        model: The model.
        doings: What calls do to variables. Defaults to looking for it.

    Of many ways, from one piece to one per layer, it takes the one with the smallest sum of what
    is kept between pieces and of the largest inside.
    """
    nodes, sizes = graph_nodes(model), _sizes(model)
    doings = doings or Doings(model, [model])
    largest = sum(map(sizes.get, (id(t) for node in nodes for t in node.outputs)))  # type: ignore[arg-type]
    budgets = [largest * 2.0 ** (-trial / 3) for trial in range(_TRIALS)]
    return min(
        (_cut(model, nodes, sizes, b, doings) for b in budgets), key=lambda p: _peak(p, sizes)
    )


def _sizes(model: Any) -> dict[int, float]:
    """Elements of every symbolic tensor of the graph, on images of `SIDE` pixels a side."""
    values = {
        id(t): keras.KerasTensor([1, *(side or SIDE for side in t.shape[1:])], t.dtype)
        for t in model.inputs
    }
    nodes = graph_nodes(model)
    try:
        run_nodes(
            nodes, values, lambda op, *args, **kwargs: op.compute_output_spec(*args, **kwargs)
        )
    except Exception:  # whatever layers raise that do not take that size: all count alike
        return {id(t): 1.0 for t in [*model.inputs, *(t for n in nodes for t in n.outputs)]}
    # Some layers leave sides open on symbols.
    return {
        key: float(math.prod(side or SIDE for side in tensor.shape))
        for key, tensor in values.items()
    }


def _inside(nodes: list[Any], sizes: dict[int, float]) -> float:
    return sum(sizes[id(t)] for node in nodes for t in node.outputs)


def _peak(plan: list[Piece], sizes: dict[int, float]) -> float:
    kept = sum(sizes[id(t)] for piece in plan for t in piece.outputs)
    return kept + max(_inside(piece.nodes, sizes) for piece in plan)


def _cut(
    model: Any, nodes: list[Any], sizes: dict[int, float], budget: float, doings: Doings
) -> list[Piece]:
    """Pieces whose inside is no larger than a budget, where single calls are not."""
    groups: list[list[Any]] = []
    while nodes:
        length = _length(nodes, sizes, budget, doings)
        groups.append(nodes[:length])
        nodes = nodes[length:]
    return [_piece(model, groups, index, doings) for index in range(len(groups))]


def _length(nodes: list[Any], sizes: dict[int, float], budget: float, doings: Doings) -> int:
    """How many calls come into the next piece: within the budget, ending where little crosses."""
    if doings.alone(nodes[0]):
        return 1
    most = 1
    while most < len(nodes) and not doings.alone(nodes[most]):
        if _inside(nodes[: most + 1], sizes) > budget:
            break
        most += 1
    ends = range(max(1, (most + 1) // 2), most + 1)
    return min(ends, key=lambda end: (_crossing(nodes[:end], nodes[end:], sizes), -end))


def _crossing(before: list[Any], after: list[Any], sizes: dict[int, float]) -> float:
    wanted = {id(t) for node in after for t in node.input_tensors}
    return sum(sizes[id(t)] for node in before for t in node.outputs if id(t) in wanted)


def _piece(model: Any, groups: list[list[Any]], index: int, doings: Doings) -> Piece:
    nodes = groups[index]
    made = {id(t): t for node in nodes for t in node.outputs}
    taken = {id(t): t for node in nodes for t in node.input_tensors if id(t) not in made}
    after = [t for group in groups[index + 1 :] for node in group for t in node.input_tensors]
    wanted = {id(t) for t in [*after, *model.outputs]}
    outputs = [tensor for key, tensor in made.items() if key in wanted]
    floats = all(keras.backend.is_float_dtype(tensor.dtype) for tensor in outputs)
    # What is last needs its inside at once, and a nested model keeps little by itself.
    last = index == len(groups) - 1
    again = floats and not last and len(nodes) > 1
    return Piece(nodes, list(taken.values()), outputs, again, doings.states(nodes))
