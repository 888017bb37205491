"""The gradients of the telescoping sum, level by level (equation 6)."""

from __future__ import annotations

import functools
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleBatch
from keras_ms.gradients.chunks import loss_in_chunks, losses_of_chunks
from keras_ms.gradients.level_losses import LevelLosses, note, noting
from keras_ms.gradients.traces import Spec, loosened
from keras_ms.keras_internals.graphs import traced_once
from keras_ms.keras_internals.losses import loss_of, mask_of, track_loss, with_mask

Tensor = Any
Gradients = list[Tensor | None]


def finest_gradients(
    model: keras.Model, pair: Any, chunk: int | None = None
) -> tuple[Gradients, dict[str, Tensor]]:
    """Gradients of the finest active level, the only one that leaves traces in the model's state.

    Args:
        model: A compiled model.
        pair: `(x, y)` or `(x, y, sample_weight)` of the level.
        chunk: Samples whose loss is taken together; `None` for all at once.

    Returns:
        The gradients of the scaled loss, one per trainable weight, and the logs of the step.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(pair)
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = loss_in_chunks(model, (x, y, sample_weight), y_pred, chunk)
        track_loss(model, loss, tf.shape(keras.tree.flatten(x)[0])[0])
        loss = model.optimizer.scale_loss(loss)
    gradients = tape.gradient(loss, model.trainable_weights)
    return gradients, model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)


def side_gradients(
    model: keras.Model, fine: Any, coarse: Any, chunk: int | None = None
) -> Gradients:
    """What a coarser level adds to the gradient, by its own term and by another.

    Both occurrences go through the network in one batch. Losses added by layers and regularizers
    are the same number in both, so they cancel.

    Args:
        model: A compiled model, whose state is left alone.
        fine: Pair of the level as the fine side of its own term.
        coarse: Pair of the level as the coarse side of another.
        chunk: Samples whose loss is taken together; `None` for all at once.

    Returns:
        The gradients of the scaled difference of losses, one per trainable weight.
    """
    with tf.GradientTape() as tape:
        as_fine, as_coarse = _side_losses(model, fine, coarse, chunk)
        note(as_fine)
        difference = model.optimizer.scale_loss(as_fine - as_coarse)
    return tape.gradient(difference, model.trainable_weights)


def lone_gradients(model: keras.Model, pair: Any, chunk: int | None = None) -> Gradients:
    """Gradients of one occurrence of a level.

    Args:
        model: A compiled model, whose state is left alone.
        pair: Pair of the level.
        chunk: Samples whose loss is taken together; `None` for all at once.

    Returns:
        The gradients of the scaled loss, one per trainable weight.
    """
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(pair)
    with tf.GradientTape() as tape:
        with _leaving_alone(model) as scope:
            y_pred = model(x, training=True)
            if chunk is None:
                loss = loss_of(model, x, y, y_pred, sample_weight)
            else:
                of_chunks = losses_of_chunks(model, (x, y, sample_weight), y_pred, chunk, scope)
                loss = tf.reduce_mean(of_chunks)
        note(loss)
        loss = model.optimizer.scale_loss(loss)
    return tape.gradient(loss, model.trainable_weights)


def _leaving_alone(model: keras.Model) -> keras.StatelessScope:
    # Keras reads regularized variables from the mapping alone.
    weights = [(variable, variable.value) for variable in model.trainable_variables]
    return keras.StatelessScope(weights, collect_losses=True, initialize_variables=False)


def _side_losses(
    model: keras.Model, fine: Any, coarse: Any, chunk: int | None
) -> tuple[Tensor, Tensor]:
    fine = keras.utils.unpack_x_y_sample_weight(fine)
    coarse = keras.utils.unpack_x_y_sample_weight(coarse)
    with _leaving_alone(model) as scope:
        both = _joined(coarse[0], fine[0])
        y_pred = model(both, training=True)
        size = tf.shape(keras.tree.flatten(coarse[0])[0])[0]
        if chunk is not None:
            pairs = (both, _joined(coarse[1], fine[1]), _joined(coarse[2], fine[2]))
            losses = losses_of_chunks(model, pairs, y_pred, chunk, scope)
            return tuple(map(tf.reduce_mean, (losses[size // chunk :], losses[: size // chunk])))
        of_coarse, of_fine = (
            keras.tree.map_structure(functools.partial(_part, chosen=chosen), y_pred)
            for chosen in (slice(None, size), slice(size, None))
        )
        as_fine, as_coarse = (
            loss_of(model, x, y, made, weight)
            for (x, y, weight), made in ((fine, of_fine), (coarse, of_coarse))
        )
        return as_fine, as_coarse


def _joined(first: Any, second: Any) -> Any:
    if first is None:
        return None
    return keras.tree.map_structure(lambda *parts: tf.concat(parts, axis=0), first, second)


def _part(tensor: Tensor, chosen: slice) -> Tensor:
    mask = mask_of(tensor)
    return with_mask(tensor[chosen], None if mask is None else mask[chosen])


def after(gradients: Gradients) -> Any:
    """A context whose computation waits for gradients.

    Else levels run side by side, and the activations of all are in memory at once.
    """
    return tf.control_dependencies([g for g in gradients if g is not None])


def scaled(gradients: Gradients, weight: Tensor) -> Gradients:
    """Gradients times a number; `None`, of weights that play no part, remains."""
    return [
        None if g is None else tf.convert_to_tensor(g) * tf.cast(weight, g.dtype) for g in gradients
    ]


def added(some: Gradients, others: Gradients) -> Gradients:
    """Sums of gradients, `None` counting as zero."""
    return [_sum(*pair) for pair in zip(some, others, strict=True)]


def _sum(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    if first is None or second is None:
        return second if first is None else first
    return tf.convert_to_tensor(first) + tf.convert_to_tensor(second)


class Terms:
    """The gradients of a model's levels, traced in every step that asks for them.

    Args:
        model: A compiled model.
        chunk: Samples whose loss is taken together; `None` for all at once.
        losses: What the losses of coarser levels are added to, if to anything.
    """

    def __init__(
        self, model: keras.Model, chunk: int | None = None, losses: LevelLosses | None = None
    ) -> None:
        options = {} if chunk is None else {"chunk": chunk}
        self._finest: Any = functools.partial(finest_gradients, model, **options)
        side: Any = functools.partial(side_gradients, model, **options)
        lone: Any = functools.partial(lone_gradients, model, **options)
        self._side: Any = functools.partial(_side_with_loss, side)
        self._lone: Any = functools.partial(_lone_with_loss, lone)
        self._losses = losses

    def sum(self, data: MultiscaleBatch) -> tuple[Gradients, dict[str, Tensor]]:
        """The gradients of the telescoping sum, one per trainable weight, and the logs of a step.

        Raises:
            ValueError: If terms of the step are to be kept from one before.
        """
        if data.fresh:
            raise ValueError(
                "Terms are kept from step to step within `fit`. Received: a step of a dataset with "
                "`refresh`, outside of it. Take batches of `dataset.stage(refresh=())`."
            )
        gradients, logs = self.finest(data.fine[data.finest])
        for level in data.active_levels[1:]:
            with after(gradients):
                of_level, loss = self.side_and_loss(data.fine[level], data.coarse[level - 1])
                self.add_loss(level, loss)
            if data.weights:
                of_level = scaled(of_level, tf.reduce_mean(data.weights[level]))
            gradients = added(gradients, of_level)
        return gradients, logs

    def finest(self, pair: Any) -> tuple[Gradients, dict[str, Tensor]]:
        """`finest_gradients` of the model."""
        return self._finest(pair)

    def side(self, fine: Any, coarse: Any) -> Gradients:
        """`side_gradients` of the model."""
        return self.side_and_loss(fine, coarse)[0]

    def lone(self, pair: Any) -> Gradients:
        """`lone_gradients` of the model."""
        return self.lone_and_loss(pair)[0]

    def side_and_loss(self, fine: Any, coarse: Any) -> tuple[Gradients, Tensor | None]:
        """`side_gradients` of the model, and the loss of the fine side."""
        return self._side(fine, coarse)

    def lone_and_loss(self, pair: Any) -> tuple[Gradients, Tensor | None]:
        """`lone_gradients` of the model, and the loss."""
        return self._lone(pair)

    def add_loss(self, level: int, loss: Tensor | None, weight: Tensor | None = None) -> None:
        """Adds the loss of a level to those of the epoch; see `LevelLosses.add`."""
        if self._losses is not None:
            self._losses.add(level, loss, weight)


def _side_with_loss(gradients: Any, fine: Any, coarse: Any) -> tuple[Gradients, Tensor | None]:
    """Gradients with the loss that they note: what a graph is to show, it has to return."""
    with noting() as noted:
        found = gradients(fine, coarse)
    return found, noted[0] if noted else None


def _lone_with_loss(gradients: Any, pair: Any) -> tuple[Gradients, Tensor | None]:
    with noting() as noted:
        found = gradients(pair)
    return found, noted[0] if noted else None


class SharedTerms(Terms):
    """The same, each traced and optimized once for all levels, sizes and stages.

    The step of a stage then holds calls where it would hold copies of the network, as many as
    levels are active.

    Args:
        model: A compiled model.
        spec: What the pairs of all levels agree with: see `keras_ms.gradients.traces`.
        chunk: Samples whose loss is taken together; `None` for all at once.
        losses: What the losses of coarser levels are added to, if to anything.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: Spec,
        chunk: int | None = None,
        losses: LevelLosses | None = None,
    ) -> None:
        super().__init__(model, chunk, losses)
        self._spec, self._chunk = spec, chunk
        # A batch that is one chunk, as on the finest stage, needs no loop over chunks.
        self._spec_of_one = keras.tree.map_structure(
            lambda s: tf.TensorSpec((chunk, *s.shape[1:]), s.dtype), spec
        )
        self._finest_of_one = traced_once(self._finest, [self._spec_of_one])
        self._finest = traced_once(self._finest, [spec])
        self._side = traced_once(self._side, [spec, spec])
        self._lone = traced_once(self._lone, [spec])

    def finest(self, pair: Any) -> tuple[Gradients, dict[str, Tensor]]:
        """`finest_gradients` of the model."""
        if self._chunk is not None and keras.tree.flatten(pair)[0].shape[0] == self._chunk:
            return self._finest_of_one(loosened(pair, self._spec_of_one))
        return self._finest(loosened(pair, self._spec))

    def side_and_loss(self, fine: Any, coarse: Any) -> tuple[Gradients, Tensor | None]:
        """`side_gradients` of the model, and the loss of the fine side."""
        return self._side(loosened(fine, self._spec), loosened(coarse, self._spec))

    def lone_and_loss(self, pair: Any) -> tuple[Gradients, Tensor | None]:
        """`lone_gradients` of the model, and the loss."""
        return self._lone(loosened(pair, self._spec))
