"""Whether a report's predictions hold: variance and seconds of real training steps."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training.fit_run import FitRun

BLOCKS = 10  # of steps that are timed; their median counts


class Prediction(NamedTuple):
    """What a report predicts of a step with its advised batch sizes, and what was measured."""

    batch_sizes: tuple[int, ...]
    predicted_variance: float
    variance: float
    predicted_seconds: float
    seconds: float

    def __str__(self) -> str:
        sizes = ", ".join(str(size) for size in self.batch_sizes)
        return (
            f"Training steps with batches of {sizes}: variance {self.variance:.3g}, predicted "
            f"{self.predicted_variance:.3g} ({_off(self.variance, self.predicted_variance)}); "
            f"{1e3 * self.seconds:.1f} ms, predicted {1e3 * self.predicted_seconds:.1f} "
            f"({_off(self.seconds, self.predicted_seconds)})."
        )


class Recorder(keras.optimizers.Optimizer):
    """An optimizer that leaves the weights alone and adds up gradients and their squares.

    Attributes:
        total: Sum of the gradients, one vector per variable.
        squares: Sum of their squared norms.
    """

    def __init__(self) -> None:
        super().__init__(learning_rate=0.0)

    def build(self, variables: list[Any]) -> None:
        """Makes the sums."""
        super().build(variables)
        # As differences from the first gradient, so that squares do not cancel.
        self.first = [self.add_variable_from_reference(v, "first") for v in variables]
        self.total = [self.add_variable_from_reference(v, "total") for v in variables]
        self.squares = self.add_variable((), "zeros", "float64", name="squares")
        self.count = self.add_variable((), "zeros", "int64", name="count")

    def apply(self, grads: list[Any], trainable_variables: list[Any] | None = None) -> Any:
        """Adds the gradients of one step."""
        if trainable_variables is not None and not self.built:
            self.build(trainable_variables)
        beginning = tf.equal(self.count.value, 0)
        for gradient, first, total in zip(grads, self.first, self.total, strict=True):
            if gradient is None:  # of a weight that plays no part
                continue
            first.assign(tf.where(beginning, gradient, first.value))
            difference = gradient - first.value
            total.assign_add(difference)
            self.squares.assign_add(tf.reduce_sum(tf.cast(difference, tf.float64) ** 2))
        self.count.assign_add(1)
        return self.iterations.assign_add(1)

    @property
    def variance(self) -> float:
        """Variance of one step's gradient, summed over all weights, unbiased."""
        count = int(self.count.value)
        mean = sum(float(np.sum(np.asarray(t.value, "float64") ** 2)) for t in self.total) / count
        return (float(self.squares.value) - mean) / (count - 1)


def check(
    report: keras_ms.LevelReport,
    model: keras_ms.MultiscaleModel,
    dataset: keras_ms.MultiscaleDataset,
    steps: int,
) -> Prediction:
    """Draws gradients of `train_step` at the advised sizes and weights, and times such steps.

    Args:
        report: What was diagnosed of the model.
        model: The model, which is left as it was.
        dataset: What it trains on.
        steps: Gradients to draw; two or more.

    Returns:
        Prediction and measurement.
    """
    sizes, weights = report.batch_sizes, report.control_weights
    model.optimizer.build(model.trainable_variables)
    stage = Stage(0, sizes, weights)
    variables = [*model.variables, *model.optimizer.variables]
    before, optimizer = [variable.numpy() for variable in variables], model.optimizer
    with FitRun(model, dataset) as run:  # the steps are those of `fit`
        seconds = _seconds(model, run.streams.iterator(stage, 0), steps)
    _assign(variables, before)
    model.optimizer, model.train_function = Recorder(), None
    with FitRun(model, dataset) as run:
        _run(model, run.streams.iterator(stage, steps), steps)
    variance = model.optimizer.variance
    model.optimizer, model.train_function = optimizer, None
    _assign(variables, before)
    predicted = report.sampling_variance(sizes, weights), report.seconds(sizes)
    return Prediction(sizes, predicted[0], variance, predicted[1], seconds)


def _assign(variables: list[Any], values: list[Any]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _seconds(model: keras.Model, batches: Any, steps: int) -> float:
    model.make_train_function()
    _run(model, batches, 1)  # traces
    per_block = max(1, steps // BLOCKS)
    times = [_run(model, batches, per_block) / per_block for _ in range(min(BLOCKS, steps))]
    return float(np.median(times))


def _run(model: keras.Model, batches: Any, steps: int) -> float:
    model.make_train_function()
    begin = time.perf_counter()
    for _ in range(steps):
        logs = model.train_function(batches)
    keras.tree.map_structure(float, logs)
    return time.perf_counter() - begin


def _off(measured: float, predicted: float) -> str:
    return f"{100.0 * (measured / predicted - 1.0):+.0f} %"
