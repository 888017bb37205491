"""The loss of many samples, plain or as a telescoping sum (6), in passes of bounded size.

Whatever is evaluated goes through the network by one function, traced once for all meshes, in
passes of no more pixels than memory bears. So what takes longer takes longer for its pixels alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import keras

    import keras_ms

Tensor = Any


class Pass(NamedTuple):
    """Samples that go through the network together.

    Attributes:
        x: Inputs, one mesh.
        y: Targets.
        weights: How much the loss of each sample counts, `(samples,)`.
    """

    x: Any
    y: Any
    weights: Tensor


def plain(pair: Any, pixels: int) -> list[Pass]:
    """The mean loss of a batch `(x, y)`, in passes of at most so many pixels."""
    x, y = pair
    return _cut(x, y, _each(pair, 1.0), pixels)


def telescoped(batch: keras_ms.MultiscaleBatch, pixels: int) -> list[Pass]:
    """The telescoping sum of mean losses, in passes of at most so many pixels.

    The two occurrences of a level, with opposite signs, share their passes.
    """
    import keras
    import tensorflow as tf

    finest, *coarser = batch.active_levels
    found = plain(batch.fine[finest], pixels)
    for level in coarser:
        minus, plus = batch.coarse[level - 1], batch.fine[level]
        x, y = keras.tree.map_structure(lambda *parts: tf.concat(parts, axis=0), minus, plus)
        weights = tf.concat([_each(minus, -1.0), _each(plus, 1.0)], axis=0)
        found += _cut(x, y, weights, pixels)
    return found


def evaluations(passes: Sequence[Pass]) -> int:
    """How many samples go through the network."""
    return sum(int(one.weights.shape[0]) for one in passes)


def _each(pair: Any, sign: float) -> Tensor:
    """Weights that make a sum of losses a mean, with a sign."""
    import tensorflow as tf

    samples = int(pair[1].shape[0])
    return tf.fill((samples,), sign / samples)


def _cut(x: Any, y: Tensor, weights: Tensor, pixels: int) -> list[Pass]:
    import keras

    most = max(1, pixels // math.prod(y.shape[1:-1]))
    parts = [slice(start, start + most) for start in range(0, int(y.shape[0]), most)]
    return [
        Pass(*keras.tree.map_structure(lambda leaf, part=part: leaf[part], (x, y, weights)))
        for part in parts
    ]


def loss_function(
    model: keras.Model, dataset: keras_ms.MultiscaleDataset, training: bool = True
) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """A function from a pass to the weighted sum of its losses, traced once for all meshes.

    Args:
        model: A compiled model, whose loss is a mean over samples and pixels.
        dataset: Whose batches it is for.
        training: How the network is called.
    """
    import tensorflow as tf

    from keras_ms.gradients.per_sample import build_for_gradients

    build_for_gradients(model, dataset)

    def loss(x: Any, y: Tensor, weights: Tensor) -> Tensor:
        made = model(x, training=training)
        # Keras takes the mean over all samples of weighted losses, one a pixel.
        by_pixel = tf.reshape(weights, (-1, *(1,) * (len(y.shape) - 2)))
        mean = model.compute_loss(x=x, y=y, y_pred=made, sample_weight=by_pixel)
        return mean * tf.cast(tf.shape(weights)[0], mean.dtype)

    return tf.function(loss, input_signature=_signature(dataset), autograph=False)


def gradient_function(
    model: keras.Model, dataset: keras_ms.MultiscaleDataset
) -> Callable[[Any, Tensor, Tensor], Tensor]:
    """A function from a pass to the gradient of its weighted sum of losses, one flat vector."""
    import tensorflow as tf

    loss = loss_function(model, dataset)

    def gradient(x: Any, y: Tensor, weights: Tensor) -> Tensor:
        with tf.GradientTape() as tape:
            value = loss(x, y, weights)
        found = tape.gradient(
            value,
            [variable.value for variable in model.trainable_variables],
            unconnected_gradients="zero",
        )
        return tf.concat([tf.reshape(part, (-1,)) for part in found], axis=0)

    return tf.function(gradient, input_signature=_signature(dataset), autograph=False)


def total(function: Callable[..., Tensor], passes: Sequence[Pass]) -> Any:
    """The sum over passes, as NumPy has it."""
    found = function(*passes[0])
    for one in passes[1:]:
        found = found + function(*one)
    return found.numpy()


def _signature(dataset: keras_ms.MultiscaleDataset) -> list[Any]:
    """Specs of the arguments, which know of no mesh and no number of samples."""
    import keras
    import tensorflow as tf

    pair = keras.tree.map_structure(
        lambda leaf: tf.TensorSpec([None] * (len(leaf.shape) - 1) + [leaf.shape[-1]], leaf.dtype),
        tuple(dataset.pair_spec(0)),
    )
    return [*pair, tf.TensorSpec((None,), tf.float32)]
