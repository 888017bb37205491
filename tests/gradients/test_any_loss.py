"""The mean of many estimates is the gradient of the plain loss at the finest batch size, any loss.

One linear convolution has an output for each of ten losses. Examples are drawn at random from a
few blobs that leave most masks empty, so the expectation is known: it is that over all sets of
`N_0` examples.

A step takes tens of milliseconds, for its loops over chunks of ten losses. So steps are few, and
the kernel starts where gradients of single examples agree: else those of some losses almost
cancel, and no number of steps that one can wait for finds a fault in them.
"""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import GradientMoments
from keras import losses, ops

import keras_ms
from keras_ms.gradients import chunks

SIDE, CLASSES, COUNT, STEPS = 32, 3, 12, 64


def blobs():
    """Noisy pictures; masks of one blob, two in three of them empty; and class maps of them."""
    rng = np.random.default_rng(0)
    at = np.stack(np.meshgrid(*[np.arange(SIDE)] * 2, indexing="ij"), axis=-1)
    centres = rng.uniform(4, SIDE - 4, (COUNT, 1, 1, 2))
    radii = rng.uniform(4.0, 12.0, (COUNT, 1, 1)) * (np.arange(COUNT) % 3 == 0)[:, None, None]
    masks = (np.sum((at - centres) ** 2, axis=-1) < radii**2)[..., np.newaxis]
    x = 0.5 * masks + 0.5 * rng.random((COUNT, SIDE, SIDE, 1))
    classes = masks[..., 0] * rng.integers(1, CLASSES, (COUNT, 1, 1))
    return x.astype("float32"), masks.astype("float32"), classes.astype("int32")


X, MASKS, CLASS_MAPS = blobs()
WEIGHTS = (0.1 + 3.0 * MASKS[..., 0]).astype("float32")


def among_the_batch(y, p):
    features = ops.mean(p, axis=(1, 2))
    distances = (features - ops.transpose(features)) ** 2
    return ops.mean(features) - ops.mean(ops.sqrt(distances + 1e-3))


def from_logits(y, p):
    return losses.CategoricalCrossentropy(from_logits=True)(ops.one_hot(y, CLASSES), p)


LOSSES = {
    "among_the_batch": among_the_batch,
    "binary_crossentropy": losses.BinaryCrossentropy(),
    "dice": losses.Dice(),
    "focal": losses.BinaryFocalCrossentropy(),
    "from_logits": from_logits,
    "ignore_class": losses.SparseCategoricalCrossentropy(ignore_class=0, from_logits=True),
    "mean": losses.MeanSquaredError(),
    "own": None,
    "tversky": losses.Tversky(alpha=0.3, beta=0.7),
    "weighted": losses.MeanSquaredError(reduction="mean_with_sample_weight"),
}
MAPS = ("from_logits", "ignore_class")
ALL = tuple(LOSSES)
STARTS = {"dice": -3.0, "own": 2.0, "weighted": 2.0}
"""Factors of kernels: where a fault shows best beside what differs from example to example."""


class WithOwn(keras_ms.MultiscaleModel):
    """Adds a term of its own to the losses that it is compiled with."""

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        truth, made = y["own"], y_pred["own"]
        own = ops.log(ops.sum(truth) + ops.sum(made)) - ops.log(ops.sum(truth * made) + 1.0)
        return own + super().compute_loss(x, y, y_pred, sample_weight, training)


def new_model(names):
    """A model, and the channels of its only kernel that every loss has to itself."""
    keras.utils.set_random_seed(5)
    channels, start = {}, 0
    for name in names:
        channels[name] = slice(start, start := start + (CLASSES if name in MAPS else 1))
    inputs = keras.Input((None, None, 1))
    agreeing = keras.initializers.RandomUniform(0.1, 0.3, seed=5)
    made = keras.layers.Conv2D(
        start, 3, padding="same", use_bias=False, kernel_initializer=agreeing
    )(inputs)
    outputs = {
        name: made[..., own] if name in MAPS else ops.sigmoid(made[..., own])
        for name, own in channels.items()
    }
    model = (WithOwn if "own" in names else keras_ms.MultiscaleModel)(inputs, outputs)
    (kernel,) = model.get_weights()
    for name in STARTS.keys() & channels.keys():
        kernel[..., channels[name]] *= STARTS[name]
    model.set_weights([kernel])
    optimizer = GradientMoments()
    optimizer.build(model.trainable_variables)
    chosen = {name: LOSSES[name] for name in names}
    model.compile(optimizer, chosen)
    return model, channels


def examples(index, names):
    """What is trained on, of the examples of some numbers."""
    x, masks, maps, weights = (tf.gather(t, index) for t in (X, MASKS, CLASS_MAPS, WEIGHTS))
    y = {name: maps if name in MAPS else masks for name in names}
    ones = tf.ones_like(weights)
    return x, y, {name: weights if name == "weighted" else ones for name in names}


def exact(size, names):
    """The expected gradient of the plain loss of so many examples, drawn with replacement."""
    model, _ = new_model(names)

    @tf.function(reduce_retracing=True)
    def gradient(index):
        x, y, weights = examples(index, names)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x=x, y=y, y_pred=model(x), sample_weight=weights)
        return tape.gradient(loss, model.trainable_variables[0].value)

    sets = itertools.product(range(COUNT), repeat=size)
    return np.mean([gradient(tf.constant(chosen)).numpy() for chosen in sets], axis=0)


def deviations(levels, names=ALL):
    """Of the mean of estimates from the exact gradient, by loss, in standard errors.

    And the largest standard error, beside the gradient: a test of many of them shows nothing.
    """
    model, channels = new_model(names)
    numbers = tf.data.Dataset.random(seed=1).map(lambda n: tf.cast(n % COUNT, tf.int32))
    dataset = keras_ms.MultiscaleDataset(
        numbers.map(lambda n: examples(n, names)), levels=levels, steps_per_epoch=STEPS
    )
    model.fit(dataset, verbose=0, group_steps=False)
    (mean,), (error,) = model.optimizer.mean_and_error(STEPS)
    wanted = exact(levels[0], names)
    found = np.abs(mean - wanted) / error
    sizes = {
        name: np.linalg.norm(error[..., own]) / np.linalg.norm(wanted[..., own])
        for name, own in channels.items()
    }
    return {name: float(found[..., own].max()) for name, own in channels.items()}, sizes


@pytest.mark.parametrize("levels", [(1, 4, 16), (2, 4, 8)])
def test_the_mean_estimate_is_the_plain_gradient(levels):
    found, sizes = deviations(levels)
    assert max(found.values()) < 3.0, found
    assert max(sizes.values()) < 0.2, sizes


def test_without_chunks_it_is_not(monkeypatch):
    monkeypatch.setattr("keras_ms.training.beginning.chunks_for", lambda *_: chunks.WHOLE)
    found, _ = deviations((1, 4, 16), ("dice", "mean"))
    assert found["dice"] > 4.0, found
    assert found["mean"] < 3.0, found
