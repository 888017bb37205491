"""Losses of one's own are tried: what couples samples is found out, and no trace is left."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import losses, ops
from loss_problems import (
    CLASSES,
    compiled,
    data,
    law,
    net,
    soft_dice,
    targets,
)

import keras_ms
from keras_ms.gradients.loss_law import loss_law
from keras_ms.keras_internals.models import build


def labelled_only(y, p):
    """The mean over pixels that are not marked as unknown; no trial example has a mark."""
    known = ops.cast(y < 200.0, "float32")
    return ops.sum(known * (ops.where(y < 200.0, y, 0.0) - p) ** 2) / (ops.sum(known) + 1e-7)


def without_nan(y, p):
    known = ops.cast(ops.logical_not(ops.isnan(y)), "float32")
    return ops.sum(known * (ops.nan_to_num(y) - p) ** 2) / (ops.sum(known) + 1e-7)


def among_the_batch(y, p):
    features = ops.mean(p, axis=(1, 2))
    likeness = features @ ops.transpose(features)
    return ops.mean(ops.logsumexp(likeness, axis=1) - ops.diagonal(likeness))


def class_balanced(y, p):
    share = ops.mean(y)
    return ops.mean(ops.where(y > 0.5, 1.0 - share, share) * (y - p) ** 2)


def known_by(is_known):
    """A mean over pixels that are known, where trial examples have no other ones."""

    def marked_by_number(y, p):
        known = ops.cast(is_known(y), "float32")
        return ops.sum(known * (y - p) ** 2) / (ops.sum(known) + 1e-7)

    return marked_by_number


def flooded(y, p):
    """Flooding: differs from a mean where a batch is fitted better than the flood's level."""
    level = 0.02
    return ops.abs(ops.mean((y - p) ** 2) - level) + level


def fixed_batch(y, p):
    y, p = (ops.reshape(tf.ensure_shape(t, (4, None, None, 1)), (4, -1)) for t in (y, p))
    return ops.mean((y - p) ** 2)


def root_of_sum(y, p):
    return ops.sqrt(ops.sum((y - p) ** 2))


COUPLED = [
    losses.Dice(),
    losses.Tversky(),
    soft_dice,
    labelled_only,
    without_nan,
    among_the_batch,
    class_balanced,
    root_of_sum,
    known_by(lambda y: ops.not_equal(y, -100)),
    known_by(lambda y: y > -9000.0),
    known_by(lambda y: ops.logical_and(y >= 0.0, y <= 253.0)),
    flooded,
]


@pytest.mark.parametrize(
    "loss", COUPLED, ids=lambda loss: getattr(loss, "name", None) or loss.__name__
)
def test_losses_that_couple_samples_are_found_out(loss):
    found = law(loss)
    assert not found.is_mean
    assert "the samples of a batch" in found.why


def test_so_are_those_with_a_mark_among_integers_or_a_floor_under_logits():
    def ignoring(y, p):
        known = ops.cast(ops.not_equal(y, 254), "float32")
        y = ops.where(ops.not_equal(y, 254), y, 0)
        each = losses.sparse_categorical_crossentropy(y, p, from_logits=True)
        return ops.sum(known * each) / ops.maximum(ops.sum(known), 1.0)

    def floored(y, p):
        each = losses.sparse_categorical_crossentropy(y, p, from_logits=True)
        return ops.maximum(ops.mean(each), 0.05)

    logits = {"channels": CLASSES, "activation": None}
    y = targets("classes").astype("uint8")
    assert not law(ignoring, y, **logits).is_mean
    assert not law(floored, y, **logits).is_mean


def test_a_loss_for_one_batch_size_is_found_out():
    assert not loss_law(compiled(fixed_batch), data(levels=(4, 8))).is_mean


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_loss_that_says_nothing_is_not_taken_for_a_mean(value):
    found = law(lambda y, p: value * ops.mean(p))
    assert not found.is_mean
    assert "could not be found out (it is not finite, or does not vary" in found.why


def test_nor_is_one_that_raises():
    def raises(y, p):
        raise RuntimeError("no luck today")

    model, dataset = compiled(raises), data()
    assert "could not be found out (no luck today" in loss_law(model, dataset).why


class Counting(losses.Loss):
    """Counts its calls in a variable, and draws at random."""

    def __init__(self):
        super().__init__(name="counting")
        self.calls = keras.Variable(0.0)
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, y_true, y_pred):
        self.calls.assign_add(1.0)
        noise = keras.random.normal((), seed=self.seeds)
        return (y_true - y_pred) ** 2 + 0.0 * noise


def test_the_trial_changes_no_variables_of_tensorflow():
    calls = tf.Variable(0.0, trainable=False)

    def counting(y, p):
        calls.assign_add(1.0)
        return ops.mean((y - p) ** 2)

    assert loss_law(compiled(counting), data()).is_mean
    assert float(calls) == 0.0


class MixUp(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean((y - y_pred) ** 2 * keras.random.uniform(ops.shape(y)))


def test_a_loss_at_random_is_not_taken_for_a_mean():
    model, dataset = compiled("mse", cls=MixUp), data()
    assert not loss_law(model, dataset).is_mean
    model.fit(dataset, verbose=0)


def test_the_trial_leaves_no_traces():
    inputs, hidden = net(2, "tanh")
    hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(hidden))
    model = keras_ms.MultiscaleModel(inputs, [hidden[..., :1], hidden[..., 1:]])
    counting = Counting()
    model.compile("sgd", [counting, "mse"], metrics=["mae", "mae"])
    dataset = data((targets("masks"), targets("signs")))
    build(model, dataset.pair_spec(0))
    variables = [*model.variables, *model.metrics_variables, counting.calls, counting.seeds.state]
    before = [v.numpy() for v in variables]
    assert loss_law(model, dataset).is_mean
    for variable, value in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


class Unsymbolic(keras_ms.MultiscaleModel):
    """Cannot be built on symbols: it looks at values."""

    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")

    def call(self, x, training=False):
        np.asarray(x)
        return self.conv(x)


@pytest.mark.parametrize(
    ("loss", "mean"), [(soft_dice, False), (lambda y, p: ops.mean((y - p) ** 2), True)]
)
def test_models_that_do_not_run_on_symbols_are_tried_on_real_examples(loss, mean, capsys):
    model = Unsymbolic()
    model.compile("sgd", loss, run_eagerly=True)
    model.fit(data(), verbose=2)
    assert ("loss: soft_dice couples" in capsys.readouterr().out) != mean
