"""What Keras keeps private of models: their classes, how they are built, layers and variables."""

from __future__ import annotations

import functools
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend import AutocastScope
from keras.src.models.functional import Functional
from keras.src.models.model import functional_init_arguments
from keras.src.random.seed_generator import global_seed_generator

from keras_ms.keras_internals.held_variables import held_by


def become_functional(model: keras.Model, args: Any, kwargs: Any) -> None:
    """Makes a model under construction functional if its arguments are inputs and outputs.

    When a subclass of `keras.Model` is first built from inputs and outputs, Keras changes the
    *bases of that class* to functional ones, and from then on its subclasses with a `call` of
    their own break. A functional twin per class leaves the class itself as it was.
    """
    if functional_init_arguments(args, kwargs) and not isinstance(model, Functional):
        model.__class__ = _functional_twin(type(model))  # type: ignore[arg-type]


@functools.cache
def _functional_twin(cls: type) -> type:
    twin = type(cls.__name__, (cls, Functional), {"__module__": cls.__module__})
    package, _, name = keras.saving.get_registered_name(cls).rpartition(">")
    if package:
        # Saved under the name of the class, which stays the one that the name loads.
        for registered in (twin, cls):
            keras.saving.register_keras_serializable(package, name)(registered)
    return twin


def is_plain_graph(layer: Any) -> bool:
    """Whether a layer is a model of Keras's own functional or Sequential class, and built."""
    return type(layer) in (Functional, keras.Sequential) and bool(getattr(layer, "inputs", None))


_STEPS = ("call", "compute_loss", "compute_metrics", "train_step", "test_step", "predict_step")


def overridden(model: keras.Model) -> list[str]:
    """Methods of a functional or Sequential model's class that compute otherwise than Keras's."""
    base = Functional if isinstance(model, Functional) else keras.Sequential
    return [name for name in _STEPS if getattr(type(model), name) is not getattr(base, name)]


def compile_arguments(model: keras.Model) -> dict[str, Any]:
    """What a model was compiled with, as objects: its own optimizer, losses and metrics."""
    given = dict(model._compile_config.config)
    now = ("optimizer", "run_eagerly", "steps_per_execution", "jit_compile")
    scales = isinstance(model.optimizer, keras.mixed_precision.LossScaleOptimizer)
    return given | {name: getattr(model, name) for name in now} | {"auto_scale_loss": scales}


def pickled(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """What `__reduce__` of a Keras model returns, with a class that pickle finds by its name."""
    _, *state = reduced
    return (keras.Model._unpickle_model, *state)


def build(model: Any, batch: Any) -> None:
    """Makes the variables of model, optimizer, losses and metrics, those that are not made yet.

    Once they are there, a step is traced once, and Keras builds nothing when training starts.

    Args:
        model: A model.
        batch: `(x, y)` or `(x, y, sample_weight)`, or their specs.
    """
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=batch)


def is_built(model: keras.Model) -> bool:
    """Whether all layers of a model have their variables."""
    return all(layer.built for layer in model._flatten_layers(include_self=False))


def keep_flags(model: keras.Model, source: keras.Model) -> None:
    """Gives a model the `trainable` flag of another whose layers it shares; theirs remain."""
    flags = [(layer, layer.trainable) for layer in source._flatten_layers(include_self=False)]
    model.trainable = source.trainable
    for layer, trains in flags:  # outer ones first: they set all within
        layer.trainable = trains


def all_layers(model: Any) -> list[keras.layers.Layer]:
    """Layers of a model, those within its layers too."""
    return [layer for layer in model._flatten_layers() if not isinstance(layer, keras.Model)]


def kept_variables(model: Any) -> list[Any]:
    """Variables of model and optimizer that outlive an epoch, and the seed of what has none."""
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    return [*model.variables, *optimizer, global_seed_generator().state]


def all_variables(model: Any) -> list[Any]:
    """Everything that a step may change: variables of Keras, and of TensorFlow within layers.

    Those of losses and optimizers of one's own, with a memory or seeds, as well.
    """
    unseeded = global_seed_generator().state  # of random numbers that were given no seed
    optimizer = model.optimizer.variables if model.optimizer is not None else []
    of_keras = [*model.variables, *optimizer, *model.metrics_variables, unseeded]
    found = {id(variable.value): variable for variable in of_keras}
    for part in tf.train.TrackableView(model).descendants():
        if isinstance(part, tf.Variable):
            found.setdefault(id(part), part)
    optimizers = (model.optimizer, getattr(model.optimizer, "inner_optimizer", None))
    own = [*held_by(getattr(model, "loss", None)), *(v for o in optimizers for v in held_by(o, 1))]
    for variable in own:
        found.setdefault(id(getattr(variable, "value", variable)), variable)
    return list(found.values())


def uncast(variable: keras.Variable) -> Any:
    """The present value of a variable in its own type, within mixed precision too."""
    with AutocastScope(None):
        return tf.convert_to_tensor(variable.value)
