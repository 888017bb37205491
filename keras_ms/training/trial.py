"""Steps that a model takes on trial: afterwards it is what it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.per_sample import run_on_one_replica
from keras_ms.keras_internals.models import all_variables


@contextmanager
def unchanged(model: Any) -> Iterator[None]:
    """Puts all variables of model, optimizer, metrics and seeds back to what they were."""
    # In the memory of the host, for that of the device is what is being tried.
    before = [(variable, np.array(variable.numpy())) for variable in all_variables(model)]
    try:
        yield
    finally:
        for variable, value in before:
            variable.assign(value)


def plain_steps(
    model: keras.Model,
    gradient: Callable[[Any], Any],
    dataset: MultiscaleDataset,
    steps: int,
    batch_size: int,
) -> None:
    """Trains a model by plain steps on the finest level.

    Args:
        model: A compiled model whose variables are made.
        gradient: Its gradient function, from a batch to the loss and a flat vector.
        dataset: Where batches come from.
        steps: How many steps.
        batch_size: Samples of each.
    """
    replicas = model.distribute_strategy.num_replicas_in_sync
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    sizes = [int(np.prod(shape)) for shape in shapes]
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)  # which scales losses

    def apply(vector: Any) -> None:
        parts = zip(tf.split(vector / replicas, sizes), shapes, strict=True)
        gradients = [tf.reshape(part, shape) for part, shape in parts]
        optimizer.apply(gradients, model.trainable_variables)

    for batch in dataset.stage(0, batch_sizes=(batch_size,)).take(steps):
        _, vector = run_on_one_replica(model, gradient, batch.fine[0])
        model.distribute_strategy.run(apply, (vector,))
