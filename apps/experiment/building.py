"""From settings to data, networks and models, whatever kind of experiment it is."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import keras
import tensorflow as tf

import keras_ms

from . import distribution
from .kind import Kind
from .option_names import NETWORK_OPTIONS
from .outcome import Outcome
from .own_pairs import OwnPairs
from .problem import Problem
from .restoration import Restoration, channels_of, value_range
from .settings import Settings
from .task_of import make_task, scale_of


@functools.lru_cache(maxsize=8)
def kind_of(problem: Problem) -> Kind:
    """The kind of experiment that a problem is: own pairs, or a task."""
    return Restoration(problem) if problem.target_dir is None else OwnPairs(problem)


def load_images(problem: Problem, split: str) -> Any:
    """Examples of `"train"` or `"validation"`; none is in both."""
    return kind_of(problem).load(split)


def make_dataset(
    problem: Problem, images: Any, steps_per_epoch: int = 1, **options: Any
) -> keras_ms.MultiscaleDataset:
    """Training data, with more `options` of `MultiscaleDataset`."""
    return kind_of(problem).dataset(
        images,
        shard=distribution.shard(problem),
        image_size=problem.image_size,
        steps_per_epoch=steps_per_epoch,
        flip=problem.flip,
        seed=problem.seed,
        cache_bytes=int(problem.cache_gb * 2**30),
        max_bad_fraction=problem.max_bad_fraction,
        **{"levels": problem.batch_sizes, **options},
    )


def make_validation(problem: Problem, images: Any) -> tf.data.Dataset:
    """Fixed pairs of held-out examples."""
    return kind_of(problem).validation(images)


def make_network(problem: Problem) -> keras.Model:
    """The network, untrained; the same seed gives the same first weights."""
    keras.utils.set_random_seed(problem.seed)
    options = {name: getattr(problem, name) for name in NETWORK_OPTIONS}
    taken = keras_ms.networks.options(problem.network)
    options = {n: value for n, value in options.items() if value is not None and n in taken}
    wanted = kind_of(problem).network_options()
    options |= {name: value for name, value in wanted.items() if name in taken}
    return keras_ms.networks.get(problem.network, **options)


def make_loss(problem: Problem) -> Any:
    """The loss, as `compile` takes it."""
    return kind_of(problem).loss()


def make_model(problem: Problem, learning_rate: Any) -> keras_ms.MultiscaleModel:
    """The network compiled for training; the learning rate is a number or a schedule."""
    with distribution.scope(problem):
        return _made_here(problem, learning_rate)


def _made_here(problem: Problem, learning_rate: Any) -> keras_ms.MultiscaleModel:
    network = make_network(problem)
    model = keras_ms.MultiscaleModel(network.input, network.output, name=problem.network)
    compile_as_asked(model, problem, learning_rate)
    return model


def on_one_device(problem: Problem, outcome: Outcome) -> Outcome:
    """An outcome whose network runs in this process alone, without waiting for other hosts."""
    if distribution.name_of(problem) == "none":
        return outcome
    model = _made_here(problem, problem.learning_rate)
    model.set_weights(outcome.model.get_weights())
    model.optimizer.iterations.assign(outcome.model.optimizer.iterations.numpy())
    return dataclasses.replace(outcome, model=model)


def compile_as_asked(model: keras.Model, problem: Problem, learning_rate: Any) -> None:
    """Compiles any model with the optimizer, the loss and the metrics of a problem."""
    optimizer = type(keras.optimizers.get(problem.optimizer))(learning_rate=learning_rate)
    jit_compile = "auto" if problem.jit_compile is None else problem.jit_compile
    kind = kind_of(problem)
    model.compile(optimizer, kind.loss(), metrics=kind.metrics() or None, jit_compile=jit_compile)


def decayed(settings: Settings, whole: float) -> Any:
    """The learning rate over a whole run: a number, or a Keras schedule that decays.

    Args:
        settings: The settings.
        whole: What the schedule is called with at the end of the run: its steps, or 1 for shares
            of a budget.
    """
    if settings.decay == "constant":
        return settings.learning_rate
    alpha = settings.final_learning_rate / settings.learning_rate
    return keras.optimizers.schedules.CosineDecay(settings.learning_rate, whole, alpha=alpha)


__all__ = [
    "channels_of",
    "compile_as_asked",
    "decayed",
    "kind_of",
    "load_images",
    "make_dataset",
    "make_loss",
    "make_model",
    "make_network",
    "make_task",
    "make_validation",
    "on_one_device",
    "scale_of",
    "value_range",
]
