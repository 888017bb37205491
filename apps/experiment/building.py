"""From settings to data, networks and models."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.data.sources import kinds

from .problem import FOLDER_OPTIONS, NETWORK_OPTIONS, NOISE_OPTIONS, TASK_OPTIONS, Problem
from .settings import Settings


def load_images(problem: Problem, split: str) -> list[np.ndarray] | keras_ms.data.FolderImages:
    """Images of `"train"` or `"validation"`; no photograph is in both."""
    limit = problem.limit if split == "train" else problem.validation_samples
    load: Any = keras_ms.data.sources.get(problem.dataset).load
    if problem.dataset != "folder":
        return load(split, problem.data_dir, limit)
    options = {name: getattr(problem, name) for name in FOLDER_OPTIONS}
    return load(split, problem.data_dir, limit, max_megapixels=problem.max_megapixels, **options)


def channels_of(problem: Problem) -> int:
    """Channels of the images: of a folder, those of most of its files."""
    if problem.dataset != "folder":
        return 3
    return _bands_of_folder(str(problem.data_dir), problem.bands)


@functools.cache
def _bands_of_folder(directory: str, bands: int | None) -> int:
    kind = kinds.common_kind(keras_ms.data.image_files(directory), bands)
    return 3 if kind is None else kind.bands


def make_task(problem: Problem) -> keras_ms.tasks.Task:
    """The task, with those of the options that it takes."""
    taken = keras_ms.tasks.options(problem.task)
    options = {name: getattr(problem, name) for name in TASK_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    options |= {name: getattr(problem, name) for name in NOISE_OPTIONS if name in taken}
    bounds = (problem.t_low, problem.t_high)
    if bounds != (None, None):
        usual = keras_ms.tasks.get(problem.task).t_range
        both = zip(bounds, usual, strict=True)
        options["t_range"] = tuple(default if given is None else given for given, default in both)
    return keras_ms.tasks.get(problem.task, **options)


def make_dataset(
    problem: Problem, images: Iterable[np.ndarray], steps_per_epoch: int = 1, **options: Any
) -> keras_ms.MultiscaleDataset:
    """Training data, with more `options` of `MultiscaleDataset`."""
    mean, std = problem.normalization_of_images
    return keras_ms.MultiscaleDataset(
        images,
        make_task(problem),
        image_size=problem.image_size,
        steps_per_epoch=steps_per_epoch,
        flip=problem.flip,
        mean=mean,
        std=std,
        seed=problem.seed,
        cache_bytes=int(problem.cache_gb * 2**30),
        max_bad_fraction=problem.max_bad_fraction,
        **{"levels": problem.batch_sizes, **options},
    )


def make_validation(problem: Problem, images: Iterable[np.ndarray]) -> tf.data.Dataset:
    """Fixed pairs of held-out photographs on the finest mesh."""
    mean, std = problem.normalization_of_images
    return keras_ms.data.evaluation_pairs(
        images,
        make_task(problem),
        problem.image_size,
        samples=problem.validation_samples,
        mean=mean,
        std=std,
        seed=1_000_003,
        max_bad_fraction=problem.max_bad_fraction,
    )


def make_network(problem: Problem) -> keras.Model:
    """The network, untrained; the same seed gives the same first weights."""
    keras.utils.set_random_seed(problem.seed)
    options = {name: getattr(problem, name) for name in NETWORK_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    taken = keras_ms.networks.options(problem.network)
    fitting = {
        "conditional": problem.conditional,
        "scale": scale_of(make_task(problem)),
        "channels": channels_of(problem),
    }
    options |= {name: value for name, value in fitting.items() if name in taken}
    return keras_ms.networks.get(problem.network, **options)


def scale_of(task: keras_ms.tasks.Task) -> int:
    """How many times larger the targets of a task are than its inputs."""
    return getattr(task, "scale", 1)


def make_loss(problem: Problem) -> Any:
    """The loss, on normalised images."""
    if problem.loss != "ssim":
        return problem.loss
    return keras_ms.losses.NegativeSSIM(value_range(problem))


def value_range(problem: Problem) -> tuple[float, float]:
    """What black and white become when normalised, on average over the channels."""
    mean, std = (np.array(values) for values in problem.normalization_of_images)
    return float(np.mean(-mean / std)), float(np.mean((1.0 - mean) / std))


def make_model(problem: Problem, learning_rate: Any) -> keras_ms.MultiscaleModel:
    """The network compiled for training; the learning rate is a number or a schedule."""
    network = make_network(problem)
    model = keras_ms.MultiscaleModel(network.input, network.output, name=problem.network)
    compile_as_asked(model, problem, learning_rate)
    return model


def compile_as_asked(model: keras.Model, problem: Problem, learning_rate: Any) -> None:
    """Compiles any model with the optimizer and the loss of a problem."""
    optimizer = type(keras.optimizers.get(problem.optimizer))(learning_rate=learning_rate)
    jit_compile = "auto" if problem.jit_compile is None else problem.jit_compile
    model.compile(optimizer, make_loss(problem), jit_compile=jit_compile)


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
