"""The graph of a Keras model, ready to become a `MultiscaleModel` of the same layers."""

from __future__ import annotations

from typing import Any, TypeVar

import keras

from keras_ms.keras_internals.graphs import is_functional
from keras_ms.keras_internals.models import (
    compile_arguments,
    is_plain_graph,
    keep_flags,
    overridden,
)
from keras_ms.validation import shown

Made = TypeVar("Made")


def made_of(cls: type[Made], model: Any) -> Made:
    """A model of a class from another model's layers and compile state, both shared.

    Args:
        cls: A subclass of `keras.Model`, called with inputs, outputs and a name.
        model: A functional or Sequential model; an instance of `cls` is returned as it is.

    Raises:
        ValueError: If it is none of the two, is not built, or its class computes otherwise.
    """
    if isinstance(model, cls):
        return model
    inputs, outputs = graph_of(model)
    with model.distribute_strategy.scope():
        made = _called(cls, inputs, outputs, model.name)
        made.dtype_policy = model.dtype_policy
        keep_flags(made, model)
        if model.compiled:
            made.compile(**compile_arguments(model))
    return made


def _called(cls: Any, inputs: Any, outputs: Any, name: str) -> Any:
    try:
        return cls(inputs, outputs, name=name)
    except TypeError as error:
        raise ValueError(
            "`from_model` makes a class of inputs, outputs and a name. Received: "
            f"{cls.__name__}, which takes other arguments ({error}). Use "
            "keras_ms.MultiscaleModel.from_model, or give the class such an `__init__`."
        ) from error


def graph_of(model: Any) -> tuple[Any, Any]:
    """Symbolic inputs and outputs of a model, on images of any size where its layers allow it.

    Args:
        model: A functional or Sequential model. Its layers are used, not copied.

    Raises:
        ValueError: If it is none of the two, is not built, or its class computes otherwise.
    """
    _check(model)
    try:
        return _ends(_of_any_size(model, {}))
    except Exception:  # whatever layers raise that need their size; `fit` says so where it matters
        return _ends(model)


def _ends(model: keras.Model) -> tuple[Any, Any]:
    """Inputs and outputs in the structure that the model takes and returns."""
    if is_functional(model):
        return model.input, model.output
    return model.inputs[0], model.outputs[0]


def _of_any_size(model: keras.Model, done: dict[int, keras.Model]) -> keras.Model:
    """The model, or the same layers on inputs that leave their sides open; nested models alike."""
    if id(model) in done:
        return done[id(model)]
    if not _has_fixed_sides(model):
        return model
    plain = keras.Model(*_ends(model), name=model.name)  # not compiled: Keras compiles no clone
    inputs = keras.tree.map_structure(
        lambda t: keras.Input(batch_shape=_freed(t.shape), dtype=t.dtype, name=t.name), plain.input
    )

    def freed(layer: Any) -> Any:
        return _of_any_size(layer, done) if is_plain_graph(layer) else layer

    made = keras.models.clone_model(plain, input_tensors=inputs, clone_function=freed)
    keep_flags(made, model)
    return done.setdefault(id(model), made)


def _has_fixed_sides(model: keras.Model) -> bool:
    """Whether an input of the model, or of a model within it, has sides or a batch size."""
    inputs = keras.tree.flatten(model.inputs)
    fixed = any(_freed(tensor.shape) != tuple(tensor.shape) for tensor in inputs)
    return fixed or any(_has_fixed_sides(part) for part in model.layers if is_plain_graph(part))


def _freed(shape: Any) -> tuple[int | None, ...]:
    """A shape without batch size and, of fields, without sides."""
    shape = tuple(shape)
    sides = (None,) * (len(shape) - 2) if len(shape) > 2 else shape[1:-1]
    return (None, *sides, *shape[-1:]) if len(shape) > 1 else (None,)


def _check(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(f"A keras.Model is needed. Received: model={shown(model)}.")
    sequential = isinstance(model, keras.Sequential)
    if not sequential and not is_functional(model):
        what = type(model).__name__
        raise ValueError(
            "`from_model` takes functional and Sequential models. Received: "
            f"{what}, whose layers are called in a `call` of its own. Let its class inherit from "
            "keras_ms.MultiscaleModel in place of keras.Model, or take it as a layer: "
            "keras_ms.MultiscaleModel(inputs, model(inputs)) with "
            "inputs = keras.Input((None, None, channels))."
        )
    if sequential and not getattr(model, "inputs", None):
        raise ValueError(
            "A Sequential model must know its input. Received: a Sequential model that is not "
            "built. Put keras.Input((None, None, channels)) first."
        )
    if own := overridden(model):
        raise ValueError(
            "`from_model` takes layers and what `compile` was given. Received: "
            f"{type(model).__name__}, which has {', '.join(own)} of its own. Let the class inherit "
            "from keras_ms.MultiscaleModel in place of keras.Model."
        )
