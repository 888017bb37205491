"""What one training step consumes: the batches of every active level."""

from __future__ import annotations

import itertools
import operator
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ms.levels import Stage


class MultiscaleBatch(NamedTuple):
    """Batches of one step of Multiscale Gradient Estimation, indexed by level, finest first.

    Levels that take no part in the step hold the empty tuple, so the structure differs from
    stage to stage (and TensorFlow traces each stage once, with static shapes).

    Attributes:
        fine: `fine[l]` is `(x, y)` or `(x, y, sample_weight)`: the `N_l` samples of term `l`
            on level `l`.
        coarse: `coarse[l]` is *the same samples* on level `l + 1`; empty for the coarsest level.
        weights: Empty, or `weights[l]` is `A_l`, the product of the control weights of the finer
            levels, once per sample of term `l`; empty for the finest level.
    """

    fine: tuple[Any, ...]
    coarse: tuple[Any, ...]
    weights: tuple[Any, ...] = ()

    @property
    def finest(self) -> int:
        """The finest active level."""
        return next(level for level, data in enumerate(self.fine) if data)

    @property
    def active_levels(self) -> tuple[int, ...]:
        """The levels that take part, finest first."""
        return tuple(level for level, data in enumerate(self.fine) if data)


def weights_of_terms(num_levels: int, stage: Stage) -> tuple[Any, ...]:
    """`MultiscaleBatch.weights` of a stage; per sample, so that replicas can share them.

    Args:
        num_levels: Levels of the hierarchy.
        stage: The stage; its control weights are as many as it has pairs of levels, or none.
    """
    if not stage.control_weights:
        return ()
    weights: list[Any] = [()] * num_levels
    products = itertools.accumulate(stage.control_weights, operator.mul)
    terms = enumerate(zip(stage.batch_sizes[1:], products, strict=True), stage.finest + 1)
    for level, (size, product) in terms:
        weights[level] = tf.fill((size,), tf.constant(product, tf.float32))
    return tuple(weights)
