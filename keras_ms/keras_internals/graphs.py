"""What Keras keeps private of graphs: those of functional models, and functions on symbols."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf
from keras.src import backend
from keras.src.models.functional import Functional, operation_fn, unpack_singleton


def is_functional(model: Any) -> bool:
    """Whether a model is a graph of layers, from inputs to outputs."""
    return isinstance(model, Functional)


def has_own_call(model: Any) -> bool:
    """Whether a functional model's class does not run its graph as Keras does."""
    return getattr(model.call, "__func__", None) is not Functional.call


def graph_nodes(model: Any) -> list[Any]:
    """The calls of a functional model's layers, in the order in which they are done."""
    by_depth = model._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]
    return [node for node in nodes if node.operation and not node.is_input]


def run_nodes(nodes: list[Any], values: dict[int, Any], call: Callable[..., Any]) -> None:
    """Does calls of layers.

    Args:
        nodes: Some of `graph_nodes`.
        values: Values of symbolic tensors by their `id`; the results are added.
        call: Takes a layer, or another operation, and its arguments.
    """
    for node in nodes:
        args, kwargs = node.arguments.fill_in(values)
        made = keras.tree.flatten(call(node.operation, *args, **kwargs))
        values.update(zip(map(id, node.outputs), made, strict=True))


def called(training: bool | None) -> Callable[..., Any]:
    """How a functional model calls its layers: they know whether they are being trained."""
    return lambda layer, *args, **kwargs: operation_fn(layer, training=training)(*args, **kwargs)


def graph_inputs(model: Any, inputs: Any) -> dict[int, Any]:
    """Values of a functional model's symbolic inputs by their `id`."""
    return dict(zip(map(id, model.inputs), model._standardize_inputs(inputs), strict=True))


def graph_outputs(model: Any, values: dict[int, Any]) -> Any:
    """What a functional model returns, of the values of its symbolic outputs."""
    found = [values[id(symbol)] for symbol in model.outputs]
    return unpack_singleton(keras.tree.pack_sequence_as(model._outputs_struct, found))


def takes_tensors_as_they_are(layer: keras.layers.Layer) -> None:
    """Lets a layer that stands for a part of a graph cast nothing, as functional models do."""
    layer._convert_input_args = False
    layer._allow_non_tensor_positional_args = True


def spec_of_call(function: Callable[..., Any], *symbols: Any) -> Any:
    """What a function returns for symbolic tensors, which are not computed."""
    return backend.compute_output_spec(function, *symbols)


def checked_output_spec(model: Any, inputs: Any) -> Any:
    """What a model returns for symbolic inputs, where every layer checks its own, as when called.

    Keras's `compute_output_spec` lets a Dense layer take another number of features than it has,
    and a Concatenate layer tensors of different sides.

    Args:
        model: A built model.
        inputs: Symbolic tensors in the structure that the model takes.

    Raises:
        ValueError: If a layer does not take what it gets.
    """
    if not is_functional(model) or has_own_call(model):
        return model.compute_output_spec(inputs)
    model._assert_input_compatibility(inputs)
    values = dict(zip(map(id, model.inputs), keras.tree.flatten(inputs), strict=True))

    def spec(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(layer, keras.layers.Layer) and args:
            layer._assert_input_compatibility(args[0])
        if isinstance(layer, keras.layers.Concatenate):
            _check_sides(layer, args[0])
        graph = getattr(layer, "_functional", layer)  # of a Sequential model
        if is_functional(graph) and args and not has_own_call(graph):
            return checked_output_spec(graph, args[0])
        return layer.compute_output_spec(*args, **kwargs)

    run_nodes(graph_nodes(model), values, spec)
    return graph_outputs(model, values)


def _check_sides(layer: keras.layers.Concatenate, tensors: Any) -> None:
    shapes = [list(tensor.shape) for tensor in tensors]
    for shape in shapes:
        del shape[layer.axis]
    for sides in zip(*shapes, strict=True):
        if len(set(sides) - {None}) > 1:
            raise ValueError(
                f"{layer.name} puts tensors of equal sides beside each other. Received: tensors of "
                f"shapes {', '.join(str(tuple(tensor.shape)) for tensor in tensors)}."
            )


def traced_once(function: Callable[..., Any], signature: list[Any]) -> Any:
    """A `tf.function` of one signature that stays a call in every step that calls it.

    TensorFlow would put copies of it into each step if it were let to.
    """
    attributes = {"_noinline": True}
    return tf.function(
        function,
        input_signature=signature,
        autograph=False,
        experimental_attributes=attributes,
    )
