"""What shapes a network returns for the images of a level: by symbols, or as it runs.

Symbols are cheap and name the layer that is at fault. But not every layer checks its inputs on
them (Concatenate compares nothing but ranks if the first input is the larger one), and some say
less than they know (EinsumDense leaves sides open). Then the network is traced on tensors of the
level's size; and run, on one example of zeros, if that does not tell either.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from keras_ms.keras_internals.graphs import (
    checked_output_spec,
    graph_nodes,
    has_own_call,
    is_functional,
    spec_of_call,
)
from keras_ms.keras_internals.models import all_layers

Shapes = list[tuple[int | None, ...]]

_UNSURE = (
    keras.layers.Dot,
    keras.layers.EinsumDense,
    keras.layers.Lambda,
    keras.layers.RNN,
)
"""Layers of Keras's that do not check on symbols what they check when they run."""
_MEMORY = (tf.errors.ResourceExhaustedError, MemoryError)


def made_shapes(model: Any, x: Any) -> Shapes:
    """Shapes of a model's outputs, flat; their batch axis may be another than that of the inputs.

    Args:
        model: A built model, whose state is left alone.
        x: Specs of a batch of its inputs, in the structure that it takes.

    Raises:
        Exception: Whatever a layer raises that does not take them.
    """
    failed: Exception | None = None
    try:
        found = _shapes(checked_output_spec(model, _symbols(x)))
        if _sure(model) and _known(found):
            return found
    except Exception as error:  # whatever layers raise on symbols, which others may not be
        failed = error
    try:
        found = _shapes(spec_of_call(lambda tensors: model(tensors, training=True), _symbols(x)))
        if _known(found):
            return found
    except Exception as error:  # some models run eagerly alone
        failed = failed or error
    try:
        return _shapes(_run(model, x))
    except _MEMORY:
        raise
    except Exception as error:
        raise failed or error from error


def _run(model: Any, x: Any) -> Any:
    fixed = [tensor.shape[0] for tensor in getattr(model, "inputs", None) or () if tensor.shape[0]]
    size = fixed[0] if fixed else 1
    zeros = keras.tree.map_structure(lambda s: tf.zeros((size, *s.shape[1:]), s.dtype), x)
    weights = [(variable, variable.value) for variable in model.trainable_variables]
    with keras.StatelessScope(weights, collect_losses=True, initialize_variables=False):
        return model(zeros, training=False)


def _sure(model: Any) -> bool:
    """Whether all layers check on symbols what they check when they run."""
    if not all(map(_is_sure, all_layers(model))):
        return False
    return not is_functional(model) or has_own_call(model) or all(map(_is_layer, _calls(model)))


def _is_sure(layer: Any) -> bool:
    known = type(layer).__module__.partition(".")[0] in ("keras", "keras_ms")
    return known and not isinstance(layer, _UNSURE)


def _calls(model: Any) -> list[Any]:
    """What a graph calls, and what the graphs within it call."""
    found = []
    for node in graph_nodes(model):
        graph = getattr(node.operation, "_functional", node.operation)  # of a Sequential model
        found += _calls(graph) if is_functional(graph) else [graph]
    return found


def _is_layer(operation: Any) -> bool:
    return isinstance(operation, keras.layers.Layer)


def _symbols(x: Any) -> Any:
    return keras.tree.map_structure(lambda s: keras.KerasTensor(tuple(s.shape), s.dtype), x)


def _shapes(outputs: Any) -> Shapes:
    return [tuple(output.shape) for output in keras.tree.flatten(outputs)]


def _known(shapes: Shapes) -> bool:
    return all(None not in shape[1:] for shape in shapes)
