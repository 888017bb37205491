"""Means, variances and covariances of per-sample gradients, streamed: none is kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.own_errors import batches_of
from keras_ms.gradients.chunks import WHOLE, Chunks
from keras_ms.gradients.per_sample import Aside, gradient_function, run_on_one_replica
from keras_ms.keras_internals.models import all_layers

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


class MomentMeter:
    """Measures the moments of every level's gradients on batches of a dataset.

    Samples are evaluated one by one, or a few at a time, and their gradients added up at once, so
    the memory needed is that of one small step and a few vectors of the size of the weights. Where
    the samples of a batch influence each other (BatchNormalization), whole batches of the dataset's
    own sizes are evaluated instead, and the variance of a sample is that of a batch times its size.
    Where the loss is taken in chunks, so is what is evaluated.

    Args:
        model: A compiled model.
        dataset: What it trains on.
        chunks: How the loss of a batch is taken. Defaults to as it is.

    Raises:
        ValueError: If the model is not compiled, or has no trainable weights.
    """

    def __init__(
        self, model: keras.Model, dataset: MultiscaleDataset, chunks: Chunks = WHOLE
    ) -> None:
        self._model, self._dataset = model, dataset
        chunk = chunks.share(model.distribute_strategy.num_replicas_in_sync)
        self.gradient = gradient_function(model, dataset, chunk)
        self._chunk = chunk or 1
        parameters = sum(math.prod(v.shape) for v in model.trainable_variables)
        self._nothing = tf.zeros((parameters,))
        self._couples = _couples_samples(model)

    def of(self, dataset: MultiscaleDataset) -> MomentMeter:
        """The same meter, its trace too, on batches of another dataset with the same levels."""
        other = copy.copy(self)
        other._dataset = dataset
        return other

    def groups(
        self,
        counts: tuple[int, ...],
        finest: int = 0,
        start: int = 0,
        units: tuple[int, ...] | None = None,
    ) -> Generator[tuple[TermMoments, ...], None, None]:
        """Measures the terms of a telescoping sum, one independent group of samples at a time.

        Args:
            counts: Samples of each term in a group, finest first: as many levels as there are
                entries; rounded up to two evaluations or more.
            finest: Level of the first term.
            start: First step of the stream that samples are taken from. The same step, the same
                samples.
            units: Samples that are evaluated together, for each term. More at a time is faster on
                coarse levels, and makes the variances less certain. Defaults to one by one.

        Yields:
            The moments of each term, finest first, without end.
        """
        sizes = self.sizes(counts, finest, units)
        units = self._units(counts, finest, units)
        aside = Aside(self._model)
        for batch in batches_of(self._dataset, finest, start, sizes):
            with aside:
                group = tuple(
                    self._of_term(batch.fine[level], batch.coarse[level], unit)
                    for level, unit in zip(batch.active_levels, units, strict=False)
                )
            yield group

    def sizes(
        self, counts: tuple[int, ...], finest: int = 0, units: tuple[int, ...] | None = None
    ) -> tuple[int, ...]:
        """Samples of each term that `groups` really evaluates."""
        return tuple(
            unit * max(_LEAST, math.ceil(count / unit))
            for unit, count in zip(self._units(counts, finest, units), counts, strict=True)
        )

    def _units(
        self, counts: tuple[int, ...], finest: int, units: tuple[int, ...] | None
    ) -> tuple[int, ...]:
        if self._couples:
            units = self._dataset.levels.batch_sizes[finest:][: len(counts)]
        least = self._chunk
        return tuple(unit + -unit % least for unit in units or (least,) * len(counts))

    def _of_term(self, fine: Any, coarse: Any, unit: int) -> TermMoments:
        samples = int(keras.tree.flatten(fine)[0].shape[0])
        number = samples // unit
        sums: Any = (self._nothing, self._nothing, tf.zeros((3,), tf.float64), tf.zeros(()))
        for index in range(number):
            part = slice(index * unit, (index + 1) * unit)
            loss, f = self._evaluate(fine, part)
            c = self._evaluate(coarse, part)[1] if coarse else self._nothing
            sums = _added(sums, f, c, loss)
        f, c, products, loss = sums
        variances = unit * (products - _products(f, c) / number) / (number - 1)
        of_fine, of_coarse, covariance = variances.numpy().tolist()
        mean = ((f - c) / number).numpy()
        return TermMoments(mean, samples, of_fine, of_coarse, covariance, float(loss) / number)

    def _evaluate(self, data: Any, part: slice) -> tuple[Tensor, Tensor]:
        chosen = keras.tree.map_structure(lambda tensor: tensor[part], data)
        return run_on_one_replica(self._model, self.gradient, chosen)


@tf.function(reduce_retracing=True)
def _added(sums: tuple[Tensor, ...], f: Tensor, c: Tensor, loss: Tensor) -> tuple[Tensor, ...]:
    return tuple(a + b for a, b in zip(sums, (f, c, _products(f, c), loss), strict=True))


def _products(f: Tensor, c: Tensor) -> Tensor:
    pairs = ((f, f), (c, c), (f, c))
    return tf.stack([tf.reduce_sum(tf.cast(a * b, tf.float64)) for a, b in pairs])


def _couples_samples(model: keras.Model) -> bool:
    return any(
        isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
        for layer in all_layers(model)
    )
