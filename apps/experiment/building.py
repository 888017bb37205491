"""From settings to data, networks and one trained strategy."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.training import automatic
from keras_ms.training.clock import Clock

from ..strategies import adaptive, progressive_resizing
from . import budget
from .problem import NETWORK_OPTIONS, TASK_OPTIONS, Problem
from .recording import Curve, SecondsBudget, TrainingClock, verbosity
from .settings import ON_ONE_LEVEL, STAGED, Settings

# Strategies whose steps are not planned: they look at the share of the budget that is spent.
BY_PROGRESS = {
    "adaptive": adaptive.train,
    "progressive_resizing": progressive_resizing.train,
}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What training with one strategy led to."""

    strategy: str
    model: keras_ms.MultiscaleModel
    curve: Curve
    iterations: tuple[int, ...]


def load_images(problem: Problem, split: str) -> list[np.ndarray] | keras_ms.data.FolderImages:
    """Images of `"train"` or `"validation"`; no photograph is in both."""
    limit = problem.limit if split == "train" else problem.validation_samples
    return keras_ms.data.sources.get(problem.dataset).load(split, problem.data_dir, limit)


def make_task(problem: Problem) -> keras_ms.tasks.NoisyTask:
    """The task."""
    options = {name: getattr(problem, name) for name in TASK_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    usual = keras_ms.tasks.get(problem.task).t_range
    bounds = zip((problem.t_low, problem.t_high), usual, strict=True)
    return keras_ms.tasks.get(
        problem.task,
        t_range=tuple(default if given is None else given for given, default in bounds),
        conditional=problem.conditional,
        keep_contrast=problem.keep_contrast,
        **options,
    )


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
        **{"levels": problem.batch_sizes, **options},
    )


def data_options(settings: Settings, strategy: str) -> dict[str, Any]:
    """Options of `make_dataset` for a strategy."""
    how = {"coarsening": settings.coarsening, "restriction": settings.restriction}
    if strategy in ON_ONE_LEVEL:
        return {**how, "levels": (settings.single_scale_batch,)}
    if settings.auto_levels:
        return {**how, "levels": "auto"}
    return {**how, "telescoping": strategy != "progressive"}


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
    )


def make_network(problem: Problem) -> keras.Model:
    """The network, untrained; the same seed gives the same first weights."""
    keras.utils.set_random_seed(problem.seed)
    options = {name: getattr(problem, name) for name in NETWORK_OPTIONS}
    return keras_ms.networks.get(
        problem.network,
        conditional=problem.conditional,
        scale=getattr(make_task(problem), "scale", 1),
        **{name: value for name, value in options.items() if value is not None},
    )


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


def decayed(settings: Settings, total_iterations: int) -> Any:
    """The learning rate over a whole run."""
    if settings.decay == "constant":
        return settings.learning_rate
    alpha = settings.final_learning_rate / settings.learning_rate
    return keras.optimizers.schedules.CosineDecay(
        settings.learning_rate, total_iterations, alpha=alpha
    )


def train(
    settings: Settings,
    strategy: str,
    images: Iterable[np.ndarray],
    validation: tf.data.Dataset,
    output: pathlib.Path | None = None,
    timings: budget.Timings | None = None,
) -> Outcome:
    """Trains a fresh network by one strategy within the budget.

    Args:
        settings: The settings.
        strategy: The strategy.
        images: Photographs to train on.
        validation: Pairs to validate on.
        output: Folder for the journal of adaptive, or `None`.
        timings: Steps timed before in this process, so as not to time them again.

    Returns:
        The trained network and how it got there.
    """
    if strategy in BY_PROGRESS:
        model = make_model(settings, settings.learning_rate)
        dataset = make_dataset(settings, images, **data_options(settings, strategy))
        curve = BY_PROGRESS[strategy](settings, model, dataset, validation, output)
        return Outcome(strategy, model, curve, (int(model.optimizer.iterations),))
    dataset = make_dataset(settings, images, **data_options(settings, strategy))
    dataset, seconds = _decided(settings, dataset)
    clock = TrainingClock(seconds)
    curve = Curve(clock)
    plan = budget.make_plan(
        settings,
        strategy,
        dataset,
        lambda: make_model(settings, decayed(settings, 1)),
        (settings.seconds or 0.0) - clock.seconds,
        timings,
    )
    dataset = dataset.replaced(plan.steps_per_epoch)
    model = make_model(settings, decayed(settings, sum(plan.iterations)))
    callbacks: list[keras.callbacks.Callback] = [clock, curve]
    if settings.seconds is not None:
        callbacks.append(SecondsBudget(clock, settings.seconds))
    if strategy in STAGED:
        callbacks.append(keras_ms.FullMultiscaleSchedule(plan.iterations, plan.steps_per_epoch))
    model.fit(
        dataset,
        epochs=plan.epochs,
        callbacks=callbacks,
        validation_data=validation,
        validation_freq=plan.validation_epochs,
        verbose=verbosity(),
    )
    curve.close(model, validation)
    return Outcome(strategy, model, curve, plan.iterations)


def _decided(
    settings: Settings, dataset: keras_ms.MultiscaleDataset
) -> tuple[keras_ms.MultiscaleDataset, float]:
    """The dataset with levels and batch sizes measured if they are open; the seconds it took."""
    if dataset.allocation == "given":
        return dataset, 0.0
    clock = Clock()
    stages = automatic.stages_for(make_model(settings, settings.learning_rate), dataset)
    print(automatic.described(dataset, stages), flush=True)
    return dataset.replaced(stages=stages), clock.seconds
