"""Terms of the telescoping sum that are kept for several steps, so that fine images are rare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleBatch
from keras_ms.gradients.terms import Gradients, Terms, added, after, scaled
from keras_ms.keras_internals.models import all_layers
from keras_ms.levels import Stage

Tensor = Any


class KeptTerms:
    """The terms of a model's steps: those that a step does not compute are as they last were.

    Level `l + 1` occurs in terms of different ages, so each occurrence goes through the network in
    a batch of its own.

    Args:
        model: A compiled model whose variables are made.
        terms: Computes the gradients of single levels.
        levels: Finest levels of the terms that are kept.
    """

    def __init__(self, model: keras.Model, terms: Terms, levels: Sequence[int]) -> None:
        self._model, self._terms = model, terms
        self._kept = {
            level: [
                tf.Variable(tf.zeros(weight.shape, weight.dtype), trainable=False)
                for weight in model.trainable_weights
            ]
            for level in levels
        }
        self._unused: dict[int, set[int]] = {level: set() for level in levels}

    @property
    def variables(self) -> list[tf.Variable]:
        """What is kept, which the steps to come depend on."""
        return [variable for of_level in self._kept.values() for variable in of_level]

    def sum(self, data: MultiscaleBatch) -> tuple[Gradients, dict[str, Tensor]]:
        """The gradients of the sum of all terms, one per trainable weight, and the logs of a step.

        Where the finest term is not computed, metrics stay as they are.
        """
        gradients, logs = self._term(data, data.finest)
        for level in data.active_levels[1:]:
            with after(gradients):
                of_term, _ = self._term(data, level)
            gradients = added(gradients, of_term)
        return gradients, logs

    def _term(self, data: MultiscaleBatch, level: int) -> tuple[Gradients, dict[str, Tensor]]:
        fresh = data.fresh[level]
        if isinstance(fresh, tuple):
            gradients, logs, loss = self._computed(data, level)
            self._terms.add_loss(level, loss)
            return gradients, logs

        def renewed() -> tuple[dict[str, Tensor], Tensor]:
            gradients, logs, loss = self._computed(data, level)
            self._keep(level, gradients)
            return logs, tf.cast(0.0 if loss is None else loss, tf.float32)

        def as_it_was() -> tuple[dict[str, Tensor], Tensor]:
            logs = self._model.get_metrics_result() if level == data.finest else {}
            return logs, tf.constant(0.0)

        logs, loss = tf.cond(fresh, renewed, as_it_was)
        if level != data.finest:
            self._terms.add_loss(level, loss, tf.cast(fresh, tf.float32))
        kept = enumerate(self._kept[level])
        unused = self._unused[level]
        return [None if i in unused else kept.read_value() for i, kept in kept], logs

    def _computed(
        self, data: MultiscaleBatch, level: int
    ) -> tuple[Gradients, dict[str, Tensor], Tensor | None]:
        logs: dict[str, Tensor] = {}
        loss = None
        if level == data.finest:
            gradients, logs = self._terms.finest(data.fine[level])
        else:
            gradients, loss = self._terms.lone_and_loss(data.fine[level])
            gradients = _weighted(gradients, data, level)
        if data.coarse[level]:
            with after(gradients):
                coarse = self._terms.lone(data.coarse[level])
            taken_away = scaled(_weighted(coarse, data, level + 1), -1.0)
            gradients = added(gradients, taken_away)
        return gradients, logs, loss

    def _keep(self, level: int, gradients: Gradients) -> None:
        for index, (kept, gradient) in enumerate(zip(self._kept[level], gradients, strict=True)):
            if gradient is None:
                self._unused[level].add(index)
            else:
                kept.assign(tf.convert_to_tensor(gradient))


def _weighted(gradients: Gradients, data: MultiscaleBatch, level: int) -> Gradients:
    return scaled(gradients, tf.reduce_mean(data.weights[level])) if data.weights else gradients


def kept_terms(model: Any, terms: Terms, stages: Sequence[Stage]) -> KeptTerms | None:
    """`KeptTerms` for stages, or `None` if they keep none.

    Raises:
        ValueError: If the model cannot keep terms.
    """
    levels = {
        level
        for stage in stages
        for level, every in enumerate(stage.refresh, stage.finest)
        if every > 1
    }
    if not levels:
        return None
    for wrong, mend in _faults(model):
        raise ValueError(
            f"Terms cannot be kept for several steps: {wrong}. Received: "
            f"refresh={stages[0].refresh}. {mend}, or leave out `refresh`."
        )
    return KeptTerms(model, terms, sorted(levels))


def _faults(model: Any) -> list[tuple[str, str]]:
    """Why a model cannot keep terms, and what to do."""
    found = []
    if not model.built or not model.optimizer.built:
        found.append(("the model's first step builds it", "Build the model before"))
    if model.distribute_strategy.num_replicas_in_sync > 1:
        found.append(("replicas would keep those of one of them", "Train on one device"))
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        scaling = "the scale of the loss may change meanwhile"
        found.append((scaling, "Use mixed_bfloat16, which needs no scale"))
    names = [layer.name for layer in all_layers(model) if _normalizes_batches(layer)]
    if names:
        apart = f"the two occurrences of a level would be normalized apart, by {', '.join(names)}"
        found.append((apart, "Use GroupNormalization"))
    return found


def _normalizes_batches(layer: Any) -> bool:
    return hasattr(layer, "moving_mean") and hasattr(layer, "momentum") and layer.trainable
