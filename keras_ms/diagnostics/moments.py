"""Means, variances and covariances of per-sample gradients, streamed: none is kept."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.diagnostics.gradients import gradient_function, keeping_state, run_on_one_replica

Tensor = Any
_LEAST = 2  # evaluations, for a variance


class TermMoments(NamedTuple):
    """What one group of samples says of one term `f - c`: `f` on its level, `c` one coarser.

    Attributes:
        mean: Mean of `f - c` (of `f` on the coarsest level), float32 `(parameters,)`.
        samples: Samples in the group.
        fine: Variance of one sample's `f`, summed over the parameters, unbiased.
        coarse: That of `c`; 0 on the coarsest level.
        covariance: That of `f` and `c`, likewise.
        loss: Mean loss on the term's level.
    """

    mean: np.ndarray
    samples: int
    fine: float
    coarse: float
    covariance: float
    loss: float

    @property
    def variance(self) -> float:
        """Variance of one sample's `f - c`."""
        return self.fine + self.coarse - 2.0 * self.covariance


class MomentMeter:
    """Measures the moments of every level's gradients on batches of a dataset.

    Samples are evaluated one by one in a loop inside one graph, so the memory needed is that of a
    step with one sample and a few vectors of the size of the weights. Where the samples of a batch
    influence each other (BatchNormalization), whole batches of the dataset's own sizes are
    evaluated instead, and the variance of a sample is that of a batch times its size.

    Args:
        model: A compiled model.
        dataset: What it trains on.

    Raises:
        ValueError: If the model is not compiled, or has no trainable weights.
    """

    def __init__(self, model: keras.Model, dataset: MultiscaleDataset) -> None:
        self._model, self._dataset = model, dataset
        self.gradient = gradient_function(model, dataset)
        self._parameters = sum(math.prod(v.shape) for v in model.trainable_variables)
        self._couples = _couples_samples(model)
        self._moments = tf.function(self._moments_of_term, reduce_retracing=True)

    def measure(
        self, counts: tuple[int, ...], finest: int = 0, start: int = 0, groups: int = 8
    ) -> Iterator[tuple[TermMoments, ...]]:
        """Measures the terms of a telescoping sum, group by group.

        Args:
            counts: Samples of each term, finest first: as many levels as there are entries.
            finest: Level of the first term.
            start: First step of the stream that samples are taken from. The same step, the same
                samples.
            groups: Number of independent groups that the samples are divided into.

        Yields:
            The moments of each term, finest first, for every group.
        """
        units = self._dataset.levels.batch_sizes[finest:] if self._couples else (1,) * len(counts)
        sizes = tuple(
            unit * max(_LEAST, math.ceil(count / groups / unit))
            for unit, count in zip(units, counts, strict=False)
        )
        stage = self._dataset.stage(finest, start, sizes)
        with keeping_state(self._model):
            for batch in stage.take(groups):
                yield tuple(
                    self._of_term(batch.fine[level], batch.coarse[level], unit)
                    for level, unit in zip(batch.active_levels, units, strict=False)
                )

    def _of_term(self, fine: Any, coarse: Any, unit: int) -> TermMoments:
        found = run_on_one_replica(self._model, self._moments, fine, coarse, tf.constant(unit))
        mean, variances, loss = (value.numpy() for value in found)
        samples = int(keras.tree.flatten(fine)[0].shape[0])
        of_fine, of_coarse, covariance = (unit * variances).tolist()
        return TermMoments(mean, samples, of_fine, of_coarse, covariance, float(loss))

    def _moments_of_term(self, fine: Any, coarse: Any, unit: Tensor) -> tuple[Tensor, ...]:
        number = tf.shape(keras.tree.flatten(fine)[0])[0] // unit
        zeros = tf.zeros((self._parameters,))
        sums = (zeros, zeros, tf.zeros((3,), tf.float64), tf.zeros(()))

        def add(index: Tensor, sums: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
            def chosen(data: Any) -> Any:
                part = slice(index * unit, (index + 1) * unit)
                return keras.tree.map_structure(lambda tensor: tensor[part], data)

            loss, f = self.gradient(chosen(fine))
            c = self.gradient(chosen(coarse))[1] if coarse else zeros
            added = (f, c, _products(f, c), loss)
            return index + 1, tuple(a + b for a, b in zip(sums, added, strict=True))

        _, (f, c, products, loss) = tf.while_loop(
            lambda index, _: index < number, add, (tf.constant(0), sums), parallel_iterations=1
        )
        n = tf.cast(number, tf.float64)
        variances = (products - _products(f, c) / n) / (n - 1.0)
        scale = 1.0 / tf.cast(n, tf.float32)
        return (f - c) * scale, variances, loss * scale


def _products(f: Tensor, c: Tensor) -> Tensor:
    return tf.stack(
        [tf.reduce_sum(tf.cast(a * b, tf.float64)) for a, b in ((f, f), (c, c), (f, c))]
    )


def _couples_samples(model: keras.Model) -> bool:
    return any(
        isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for layer in model._flatten_layers(include_self=False)
    )
