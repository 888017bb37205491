"""What one training step consumes: the batches of every active level."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
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
        fresh: Empty, or `fresh[l]` says whether term `l` is computed anew in this step, a boolean;
            empty for a term that always is. The batches of a term that is not are zeros.

    Example:
        >>> import numpy as np
        >>> pair = np.zeros((2, 16, 16, 1)), np.zeros((2, 16, 16, 1))
        >>> batch = keras_ms.MultiscaleBatch(fine=((), pair), coarse=((), ()))
        >>> batch.finest, batch.active_levels
        (1, (1,))
    """

    fine: tuple[Any, ...]
    coarse: tuple[Any, ...]
    weights: tuple[Any, ...] = ()
    fresh: tuple[Any, ...] = ()

    def __repr__(self) -> str:
        # Keras shows it where a stock model is given it, in its own errors.
        return (
            f"<MultiscaleBatch of levels {self.active_levels}: a step for `fit` of a "
            "keras_ms.MultiscaleModel, which MultiscaleModel.from_model(model) makes of any "
            "functional or Sequential model. Plain pairs are `batch.fine[level]`>"
        )

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


def fresh_terms(num_levels: int, stage: Stage, step: Any) -> tuple[Any, ...]:
    """`MultiscaleBatch.fresh` of a step of a stage.

    Args:
        num_levels: Levels of the hierarchy.
        stage: The stage.
        step: The step, a tensor.
    """
    flags: list[Any] = [()] * num_levels
    for level, every in enumerate(stage.refresh, stage.finest):
        if every > 1:
            flags[level] = tf.equal(step % every, 0)
    return tuple(flags) if stage.refresh else ()


def made_if_fresh(fresh: tuple[Any, ...], term: int, make: Callable[[], Any]) -> Any:
    """What `make` returns if a term is computed anew; else zeros of the same shapes and types.

    Args:
        fresh: As in `MultiscaleBatch`.
        term: The level of the term.
        make: Makes batches, of known shapes.
    """
    if not fresh or isinstance(fresh[term], tuple):
        return make()
    made = tf.function(make, autograph=False)
    specs = made.get_concrete_function().structured_outputs
    nothing = functools.partial(
        tf.nest.map_structure, lambda leaf: tf.zeros(leaf.shape, leaf.dtype), specs
    )
    return tf.cond(fresh[term], made, nothing)
