"""Is the loss of a batch the mean of the losses of its samples? Found out before the first step."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import losses, ops
from loss_problems import (
    COUNT,
    SIDE,
    SOFTMAX,
    compiled,
    data,
    law,
    net,
    soft_dice,
    targets,
)

import keras_ms
from keras_ms.gradients.chunks import chunks_for
from keras_ms.gradients.loss_law import loss_law
from keras_ms.keras_internals.models import build

PER_PIXEL = np.random.default_rng(5).random((COUNT, SIDE, SIDE)).astype("float32")
PER_SAMPLE = PER_PIXEL[:, :1, :1]
MEANS = {
    "masks": [
        losses.MeanSquaredError(),
        losses.MeanAbsoluteError(),
        losses.MeanAbsolutePercentageError(),
        losses.MeanSquaredLogarithmicError(),
        losses.Huber(),
        losses.LogCosh(),
        losses.Poisson(),
        losses.CosineSimilarity(),
        losses.BinaryCrossentropy(label_smoothing=0.1),
        losses.BinaryFocalCrossentropy(),
        losses.KLDivergence(),
        keras_ms.losses.NegativeSSIM((0.0, 1.0)),
    ],
    "signs": [losses.CategoricalHinge()],
    "one_hot": [
        losses.CategoricalCrossentropy(),
        losses.CategoricalFocalCrossentropy(),
    ],
    "classes": [
        losses.SparseCategoricalCrossentropy(),
        losses.CategoricalGeneralizedCrossEntropy(),
    ],
}
EVERY_MEAN = [(kind, loss) for kind, group in MEANS.items() for loss in group]
TRIALS = [(None, True), (PER_PIXEL, True), (PER_SAMPLE, True), (None, False), (PER_PIXEL, False)]


@pytest.mark.parametrize(("weights", "known"), TRIALS)
def test_losses_of_keras_are_means(weights, known, monkeypatch):
    """By what they are, and by trial where that is not looked at."""
    if not known:
        monkeypatch.setattr("keras_ms.gradients.loss_law._is_of_samples", lambda loss: False)
    for kind, loss in EVERY_MEAN:
        if weights is not None and isinstance(loss, keras_ms.losses.NegativeSSIM):
            continue  # one value per image: weights of pixels do not fit
        several = SOFTMAX if kind in ("one_hot", "classes") else {}
        assert law(loss, targets(kind), weights, **several).is_mean, loss.name


def test_losses_of_keras_that_leave_pixels_out_are_no_means():
    ignoring = losses.SparseCategoricalCrossentropy(ignore_class=2)
    found = law(ignoring, targets("classes"), **SOFTMAX)
    assert not found.is_mean
    assert found.why == "sparse_categorical_crossentropy couples the samples of a batch"
    weighted = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    assert not law(weighted, weights=PER_PIXEL).is_mean
    assert law(weighted).is_mean


OWN_MEANS = [
    lambda y, p: ops.mean((y - p) ** 2),
    lambda y, p: ops.mean((y - p) ** 2, axis=-1),
    lambda y, p: ops.sum((y - p) ** 2, axis=(1, 2, 3)),
    lambda y, p: ops.mean(ops.max(ops.abs(y - p), axis=(1, 2, 3))),
    lambda y, p: ops.mean(y * p) - ops.mean((1.0 - y) * p),
    lambda y, p: 1e-6 * ops.mean((y - p) ** 2),
    lambda y, p: 1e6 + ops.mean(1e6 * (y - p) ** 2),
    lambda y, p: ops.mean(ops.log(1.0 + y) - ops.log(p)),
    losses.Dice(axis=(1, 2, 3)),
    lambda y, p: ops.mean(ops.where(ops.abs(y - p) > 0.3, ops.abs(y - p), (y - p) ** 2)),
]


@pytest.mark.parametrize("number", range(len(OWN_MEANS)))
def test_no_false_alarm_for_means_of_ones_own(number):
    assert law(OWN_MEANS[number]).is_mean


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_no_false_alarm_in_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        assert law(lambda y, p: ops.mean((y - p) ** 2)).is_mean
    finally:
        keras.config.set_dtype_policy("float32")


class OwnLoss(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = ops.mean((y - y_pred) ** 2) if self.mean else ops.sqrt(ops.mean((y - y_pred) ** 2))
        return loss + sum(self.losses, start=0.0)


@pytest.mark.parametrize("mean", [True, False])
def test_an_own_compute_loss_counts(mean):
    model = compiled("mse", cls=OwnLoss)
    model.mean = mean
    assert loss_law(model, data()).is_mean == mean


class OwnSum(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return tf.nn.compute_average_loss(ops.mean((y - y_pred) ** 2, (1, 2, 3)), None, 16)


REFUSED = [
    (lambda y, p: ops.sum((y - p) ** 2), "Received: lambda, whose loss of 4 samples is the sum"),
    (losses.MeanSquaredError(reduction="none"), "mean_squared_error with reduction='none', of sha"),
    (losses.MeanSquaredError(reduction=None), r"reduction=None, of shape \(4, 8, 8\)"),
]


@pytest.mark.parametrize(("loss", "message"), REFUSED)
def test_losses_that_grow_with_their_batch_are_refused(loss, message):
    with pytest.raises(ValueError, match=message):
        law(loss)


def test_so_is_an_own_compute_loss_that_divides_by_a_fixed_number():
    with pytest.raises(ValueError, match="Received: compute_loss of OwnSum, whose loss of 4"):
        loss_law(compiled("mse", cls=OwnSum), data())


def test_the_loss_to_blame_is_named_with_its_output():
    inputs, hidden = net(1, "sigmoid")
    outputs = {"mask": hidden, "image": keras.layers.Conv2D(1, 1, name="last")(hidden)}
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("sgd", {"mask": losses.Dice(), "image": "mse"}, loss_weights=[0.5, 2.0])
    dataset = data({"mask": targets("masks"), "image": targets("signs")})
    build(model, dataset.pair_spec(0))
    assert loss_law(model, dataset).why == "dice of output mask couples the samples of a batch"
    model.compile("sgd", {"mask": None, "image": soft_dice})
    build(model, dataset.pair_spec(0))
    assert "soft_dice couples" in loss_law(model, dataset).why
    model.compile("sgd", {"mask": None, "image": "mse"})
    build(model, dataset.pair_spec(0))
    assert loss_law(model, dataset).is_mean


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        (losses.Hinge(), 0.7 * targets("masks")),
        ("hinge", targets("signs")),
        ("squared_hinge", targets("masks")),
    ],
)
def test_losses_that_look_for_zeros_and_ones_in_a_whole_batch_couple_samples(loss, y):
    """Keras makes signs of labels 0 and 1 if a batch has no others; an average has others."""
    model, dataset = compiled(loss), data(y)
    before = loss_law(model, dataset)
    build(model, dataset.pair_spec(0))
    assert before == loss_law(model, dataset)
    assert not before.is_mean
    assert "hinge couples the samples of a batch" in before.why


def test_a_sum_beside_a_loss_that_is_known_to_couple_is_refused_as_it_is_alone():
    inputs, hidden = net(1, "sigmoid")
    model = keras_ms.MultiscaleModel(inputs, {"a": hidden, "b": 1.0 * hidden})
    model.compile("sgd", {"a": losses.Dice(), "b": lambda y, p: ops.sum((y - p) ** 2)})
    dataset = data({"a": targets("masks"), "b": targets("masks")})
    build(model, dataset.pair_spec(0))
    with pytest.raises(ValueError, match="output b, whose loss of 4 samples is the sum"):
        loss_law(model, dataset)


def test_one_can_say_what_it_is():
    model = compiled(soft_dice)
    model.loss_is_mean = True
    assert chunks_for(model, data((targets("masks")), levels=(2, 3))).size is None
    model.compile("sgd", "mse")
    model.loss_is_mean = False
    assert chunks_for(model, data()).size == 2
