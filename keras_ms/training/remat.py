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

from keras_ms.keras_internals import (
    called,
    graph_inputs,
    graph_outputs,
    has_own_call,
    is_functional,
    run_nodes,
    takes_tensors_as_they_are,
    uncast,
)
from keras_ms.training.attribute import attribute
from keras_ms.training.remat_plan import Piece, pieces

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
    with contextlib.ExitStack() as stack:
        for part in _graphs(model):
            stack.enter_context(attribute(part, "call", _call_of(part)))
        yield


def _graphs(model: Any) -> list[Any]:
    """A functional model and those within it."""
    inner = [layer for layer in model.layers if is_functional(layer) and not has_own_call(layer)]
    return [model, *(graph for layer in inner for graph in _graphs(layer))]


def _call_of(model: Any) -> Callable[..., Any]:
    as_ever, plan = model.call, [Part(piece, model) for piece in pieces(model)]

    def call(inputs: Any, training: bool | None = None, mask: Any = None, **kwargs: Any) -> Any:
        if not training:
            return as_ever(inputs, training=training, mask=mask, **kwargs)
        values = graph_inputs(model, inputs)
        for part in plan:
            part.compute(values)
        return graph_outputs(model, values)

    return call


class Part(keras.layers.Layer):
    """A piece of a graph as a layer, without weights of its own, that runs as in training.

    A layer, since in the backward pass there is none around that says that one is in training.
    """

    def __init__(self, piece: Piece, model: Any) -> None:
        super().__init__(dtype=model.dtype_policy)
        takes_tensors_as_they_are(self)
        object.__setattr__(self, "piece", piece)  # not tracked: the layers are the model's
        self.built = True

    def call(self, tensors: list[Tensor], training: bool | None = None) -> list[Tensor]:
        """Outputs of the piece from its inputs."""
        values = dict(zip(map(id, self.piece.inputs), tensors, strict=True))
        run_nodes(self.piece.nodes, values, called(training))
        return [values[id(symbol)] for symbol in self.piece.outputs]

    def compute(self, values: dict[int, Tensor]) -> None:
        """Adds the outputs of the piece to the values of the graph's tensors."""
        if not self.piece.again:
            run_nodes(self.piece.nodes, values, called(training=True))
            return
        taken = [values[id(symbol)] for symbol in self.piece.inputs]
        states = [(variable, uncast(variable)) for variable in self.piece.states()]
        later: list[Tensor] = []

        def pure(*tensors: Tensor) -> list[Tensor]:
            # The same states in both passes, else dropout would draw anew and statistics move twice
            with keras.StatelessScope(states, True, initialize_variables=False) as scope:
                made = self(list(tensors), training=True)
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
