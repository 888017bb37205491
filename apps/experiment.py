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
from apps.settings import STAGED, Settings


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What training with one strategy led to."""

    strategy: str
    model: keras_ms.MultiscaleModel
    curve: Curve
    iterations: tuple[int, ...]


def load_images(settings: Settings, split: str) -> list[np.ndarray]:
    """Images of `"train"` or `"validation"`; no photograph is in both."""
    if settings.dataset == "photos":
        return keras_ms.data.photos(split)
    return keras_ms.data.folder(str(settings.data_dir), split)


def make_task(settings: Settings) -> keras_ms.tasks.Task:
    """The task."""
    t_range = (settings.t_low, settings.t_high)
    return keras_ms.tasks.get(settings.task, t_range=t_range, conditional=settings.conditional)


def make_dataset(
    settings: Settings, strategy: str, images: list[np.ndarray], steps_per_epoch: int = 1
) -> keras_ms.MultiscaleDataset:
    """The training data of a strategy."""
    single = strategy == "single_scale"
    return keras_ms.MultiscaleDataset(
        images,
        make_task(settings),
        (settings.single_scale_batch,) if single else settings.batch_sizes,
        settings.image_size,
        steps_per_epoch,
        coarsening=settings.coarsening,
        restriction=settings.restriction,
        flip=settings.flip,
        mean=settings.mean,
        std=settings.std,
        telescoping=strategy != "progressive",
        seed=settings.seed,
    )


def make_validation(settings: Settings, images: list[np.ndarray]) -> tf.data.Dataset:
    """Fixed pairs of held-out photographs on the finest mesh."""
    return keras_ms.data.evaluation_pairs(
        images,
        make_task(settings),
        settings.image_size,
        samples=settings.validation_samples,
        mean=settings.mean,
        std=settings.std,
        seed=1_000_003,
    )


def make_network(settings: Settings) -> keras.Model:
    """The network, untrained; the same seed gives the same first weights."""
    keras.utils.set_random_seed(settings.seed)
    return keras_ms.networks.ResNet(
        width=settings.width, depth=settings.depth, conditional=settings.conditional
    )


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
    model.compile(optimizer, "mse", jit_compile=jit_compile)
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
