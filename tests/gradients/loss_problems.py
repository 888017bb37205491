"""Small networks, targets and datasets, on which a loss is found to be a mean or not."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import keras_ms
from keras_ms.gradients.loss_law import loss_law
from keras_ms.keras_internals.models import build

SIDE, CLASSES, COUNT = 16, 3, 8
SOFTMAX = {"channels": CLASSES, "activation": "softmax"}


def net(channels, activation):
    inputs = keras.Input((None, None, 1))
    hidden = keras.layers.Conv2D(channels, 3, padding="same", activation=activation)(inputs)
    return inputs, hidden


def targets(kind, count=COUNT):
    """Masks, most of them empty; class maps; class maps one-hot; signs."""
    rng = np.random.default_rng(3)
    if kind == "classes":
        return rng.integers(0, CLASSES, (count, SIDE, SIDE)).astype("int32")
    if kind == "one_hot":
        return np.eye(CLASSES, dtype="float32")[rng.integers(0, CLASSES, (count, SIDE, SIDE))]
    if kind == "signs":
        return np.sign(rng.random((count, SIDE, SIDE, 1)) - 0.5).astype("float32")
    masks = (rng.random((count, SIDE, SIDE, 1)) < 0.2).astype("float32")
    masks[: count - 2] = 0.0  # all that the trial sees, too
    return masks


def data(y=None, weights=None, levels=(2, 4), **options):
    y = targets("masks") if y is None else y
    x = np.random.default_rng(1).random((COUNT, SIDE, SIDE, 1)).astype("float32")
    leaves = (x, y) if weights is None else (x, y, weights)
    pairs = tf.data.Dataset.from_tensor_slices(leaves)
    return keras_ms.MultiscaleDataset(pairs, levels=levels, steps_per_epoch=2, **options)


def compiled(loss, channels=1, activation="sigmoid", cls=keras_ms.MultiscaleModel, **options):
    model = cls(*net(channels, activation))
    model.compile("sgd", loss, **options)
    return model


def law(loss, y=None, weights=None, **options):
    model, dataset = compiled(loss, **options), data(y, weights)
    build(model, dataset.pair_spec(0))
    return loss_law(model, dataset)


def soft_dice(y, p):
    return 1.0 - 2.0 * ops.sum(y * p) / (ops.sum(y) + ops.sum(p) + 1e-7)
