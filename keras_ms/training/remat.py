"""Rematerialization: activations are computed again in the backward pass instead of being kept.

The graph of a functional model is cut into pieces. Kept are the tensors between the pieces; within
a piece everything is computed anew when its gradient is wanted. So memory holds the tensors between
pieces and the inside of one piece, in place of the inside of all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.keras_internals.attribute import attribute
from keras_ms.keras_internals.graphs import (
    called,
    graph_inputs,
    graph_outputs,
    has_own_call,
    is_functional,
    run_nodes,
)
from keras_ms.keras_internals.models import uncast
from keras_ms.training.remat_effects import InTraining
from keras_ms.training.remat_plan import Doings, Piece, pieces

Tensor = Any


@contextlib.contextmanager
def rematerialized(model: Any) -> Iterator[None]:
    """Lets a model, and the functional models within it, keep less while they are being trained.

    Args:
        model: A functional model. Its gradients, and the states that a step leaves, stay the same.

    Raises:
        ValueError: If the model is not functional, or has a `call` of its own.
    """
    if not is_functional(model) or has_own_call(model):
        raise ValueError(
            "`remat=True` cuts the graph of a functional model. Received: "
            f"{type(model).__name__}, which has a `call` of its own. Build it from inputs and "
            "outputs, or call its blocks by `keras.remat`."
        )
    graphs = _graphs(model)
    doings = Doings(model, graphs)
    with contextlib.ExitStack() as stack:
        for part in graphs:
            stack.enter_context(attribute(part, "call", _call_of(part, doings)))
        model.train_function = None  # no trace of a step from before, nor for after
        stack.callback(setattr, model, "train_function", None)
        yield


def _graphs(model: Any) -> list[Any]:
    """A functional model and those within it."""
    inner = [layer for layer in model.layers if is_functional(layer) and not has_own_call(layer)]
    return [model, *(graph for layer in inner for graph in _graphs(layer))]


def _call_of(model: Any, doings: Doings) -> Callable[..., Any]:
    as_ever = model.call
    plan = [Part(piece, model.dtype_policy) for piece in pieces(model, doings)]

    def call(inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        if not training:
            return as_ever(inputs, training=training, mask=mask, **kwargs)
        values = graph_inputs(model, inputs)
        for part in plan:
            part.compute(values)
        return graph_outputs(model, values)

    return call


class _AsVariables(keras.StatelessScope):
    """Values that are set are constants for what reads them, as they are in variables."""

    def add_update(self, update: tuple[keras.Variable, Tensor]) -> None:
        super().add_update((update[0], tf.stop_gradient(update[1])))


class Part:
    """A piece of a graph that runs as in training, in the backward pass too.

    Args:
        piece: The piece.
        dtype: Policy of the model that it is a part of.
    """

    def __init__(self, piece: Piece, dtype: Any) -> None:
        self.piece = piece
        self._run = InTraining(self._outputs, dtype)

    def _outputs(self, tensors: list[Tensor]) -> list[Tensor]:
        """Outputs of the piece from its inputs."""
        values = dict(zip(map(id, self.piece.inputs), tensors, strict=True))
        run_nodes(self.piece.nodes, values, called(training=True))
        return [values[id(symbol)] for symbol in self.piece.outputs]

    def compute(self, values: dict[int, Tensor]) -> None:
        """Adds the outputs of the piece to the values of the graph's tensors."""
        if not self.piece.again:
            run_nodes(self.piece.nodes, values, called(training=True))
            return
        taken = [values[id(symbol)] for symbol in self.piece.inputs]
        states = [(variable, uncast(variable)) for variable in self.piece.states]
        later: list[Tensor] = []

        def pure(*tensors: Tensor) -> list[Tensor]:
            # The same states in both passes, else dropout would draw anew and statistics move twice
            with _AsVariables(states, True, initialize_variables=False) as scope:
                made = self._run(list(tensors), training=True)
            if not later:
                later.extend(scope.get_current_value(variable) for variable, _ in states)
            return [*made, *scope.losses]

        made = tf.recompute_grad(pure)(*taken)
        for (variable, before), value in zip(states, later, strict=True):
            if value is not before:
                variable.assign(value)
        count = len(self.piece.outputs)
        values.update(zip(map(id, self.piece.outputs), made[:count], strict=True))
        for loss in made[count:]:
            self.piece.layers()[0].add_loss(loss)
