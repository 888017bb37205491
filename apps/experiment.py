"""From settings to data, networks and one trained strategy."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from apps import budget
from apps.recording import Curve, SecondsBudget, TrainingClock, verbosity
from apps.settings import NETWORK_OPTIONS, STAGED, TASK_OPTIONS, Settings


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What training with one strategy led to."""

    strategy: str
    model: keras_ms.MultiscaleModel
    curve: Curve
    iterations: tuple[int, ...]


def load_images(settings: Settings, split: str) -> list[np.ndarray]:
    """Images of `"train"` or `"validation"`; no photograph is in both."""
    limit = settings.limit if split == "train" else settings.validation_samples
    return keras_ms.data.sources.get(settings.dataset).load(split, settings.data_dir, limit)


def make_task(settings: Settings) -> keras_ms.tasks.NoisyTask:
    """The task."""
    options = {name: getattr(settings, name) for name in TASK_OPTIONS}
    options = {name: value for name, value in options.items() if value is not None}
    usual = keras_ms.tasks.get(settings.task).t_range
    bounds = zip((settings.t_low, settings.t_high), usual, strict=True)
    return keras_ms.tasks.get(
        settings.task,
        t_range=tuple(default if given is None else given for given, default in bounds),
        conditional=settings.conditional,
        keep_contrast=settings.keep_contrast,
        **options,
    )


def make_dataset(
    settings: Settings, strategy: str, images: list[np.ndarray], steps_per_epoch: int = 1
) -> keras_ms.MultiscaleDataset:
    """The training data of a strategy."""
    single = strategy == "single_scale"
    mean, std = settings.normalization_of_images
    return keras_ms.MultiscaleDataset(
        images,
        make_task(settings),
        (settings.single_scale_batch,) if single else settings.batch_sizes,
        settings.image_size,
        steps_per_epoch,
        coarsening=settings.coarsening,
        restriction=settings.restriction,
        flip=settings.flip,
        mean=mean,
        std=std,
        telescoping=strategy != "progressive",
        seed=settings.seed,
    )


def make_validation(settings: Settings, images: list[np.ndarray]) -> tf.data.Dataset:
    """Fixed pairs of held-out photographs on the finest mesh."""
    mean, std = settings.normalization_of_images
    return keras_ms.data.evaluation_pairs(
        images,
        make_task(settings),
        settings.image_size,
        samples=settings.validation_samples,
        mean=mean,
        std=std,
        seed=1_000_003,
    )


def make_network(settings: Settings) -> keras.Model:
    """The network, untrained; the same seed gives the same first weights."""
    keras.utils.set_random_seed(settings.seed)
    options = {name: getattr(settings, name) for name in NETWORK_OPTIONS}
    return keras_ms.networks.get(
        settings.network,
        conditional=settings.conditional,
        scale=getattr(make_task(settings), "scale", 1),
        **{name: value for name, value in options.items() if value is not None},
    )


def make_loss(settings: Settings) -> Any:
    """The loss, on normalised images."""
    if settings.loss != "ssim":
        return settings.loss
    return keras_ms.losses.NegativeSSIM(value_range(settings))


def value_range(settings: Settings) -> tuple[float, float]:
    """What black and white become when normalised, on average over the channels."""
    mean, std = (np.array(values) for values in settings.normalization_of_images)
    return float(np.mean(-mean / std)), float(np.mean((1.0 - mean) / std))


def make_model(settings: Settings, total_iterations: int) -> keras_ms.MultiscaleModel:
    """The network compiled for training."""
    network = make_network(settings)
    model = keras_ms.MultiscaleModel(network.input, network.output, name=settings.network)
    rate: Any = settings.learning_rate
    if settings.decay == "cosine":
        rate = keras.optimizers.schedules.CosineDecay(
            rate, total_iterations, alpha=settings.final_learning_rate / rate
        )
    optimizer = type(keras.optimizers.get(settings.optimizer))(learning_rate=rate)
    jit_compile = "auto" if settings.jit_compile is None else settings.jit_compile
    model.compile(optimizer, make_loss(settings), jit_compile=jit_compile)
    return model


def train(
    settings: Settings,
    strategy: str,
    images: list[np.ndarray],
    validation: tf.data.Dataset,
) -> Outcome:
    """Trains a fresh network by one strategy within the budget."""
    plan = budget.make_plan(
        settings,
        strategy,
        make_dataset(settings, strategy, images),
        lambda: make_model(settings, 1),
    )
    dataset = make_dataset(settings, strategy, images, plan.steps_per_epoch)
    model = make_model(settings, sum(plan.iterations))
    clock = TrainingClock()
    curve = Curve(clock)
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
