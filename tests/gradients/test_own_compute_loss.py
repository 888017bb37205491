"""A `compute_loss` of one's own is called as Keras's step calls it: by position, in training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import GradientRecorder, multiscale_batch, pair_dataset, relative_error, small_net
from keras import ops

import keras_ms
from keras_ms.gradients import per_sample, terms
from keras_ms.gradients.chunks import loss_in_chunks
from keras_ms.gradients.loss_law import loss_law


def error(y, made):
    return ops.mean((y - made) ** 2)


class TenfoldInTraining(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=False):
        loss = super().compute_loss(x, y, y_pred, sample_weight)
        return 10.0 * loss if training else loss


class WithoutDefaults(keras_ms.MultiscaleModel):
    def compute_loss(self, x, y, y_pred, sample_weight, training):
        return (10.0 if training else 1.0) * error(y, y_pred)


class UnderOtherNames(keras_ms.MultiscaleModel):
    def compute_loss(self, inputs, targets, outputs, weights=None):
        return 10.0 * error(targets, outputs)


class ByAnyNames(keras_ms.MultiscaleModel):
    def compute_loss(self, *parts, **options):
        return (10.0 if options.get("training", True) else 1.0) * error(parts[1], parts[2])


class ByNameAlone(keras_ms.MultiscaleModel):
    def compute_loss(self, *, y, y_pred, training, **rest):
        return (10.0 if training else 1.0) * error(y, y_pred)


OWN = [TenfoldInTraining, WithoutDefaults, UnderOtherNames, ByAnyNames, ByNameAlone]


def compiled(cls, optimizer="sgd", **options):
    model = cls(*small_net())
    model.compile(optimizer, "mse", **options)
    return model


def tenfold(model, *pairs):
    """Ten times the mean gradient of the squared error over pairs."""
    found = []
    for x, y in pairs:
        with tf.GradientTape() as tape:
            loss = 10.0 * error(y, model(x))
        found.append(tape.gradient(loss, [v.value for v in model.trainable_variables]))
    return [sum(parts) / len(pairs) for parts in zip(*found, strict=True)]


@pytest.mark.parametrize("chunk", [None, 2], ids=["whole", "chunks"])
@pytest.mark.parametrize("cls", OWN)
def test_in_every_gradient_of_a_level(cls, chunk):
    model, batch = compiled(cls), multiscale_batch((2, 4, 6))
    fine, coarse = batch.fine[1], batch.coarse[0]
    sides = [f - c for f, c in zip(tenfold(model, fine), tenfold(model, coarse), strict=True)]
    assert relative_error(terms.side_gradients(model, fine, coarse, chunk), sides) < 1e-5
    assert relative_error(terms.lone_gradients(model, fine, chunk), tenfold(model, fine)) < 1e-5
    x, y = fine
    loss = loss_in_chunks(model, (x, y, None), model(x), chunk)
    np.testing.assert_allclose(float(loss), 10.0 * float(error(y, model(x))), rtol=1e-5)


@pytest.mark.parametrize("cls", OWN)
def test_on_trial_and_where_gradients_are_measured(cls):
    model, dataset = compiled(cls, run_eagerly=True), pair_dataset((2, 4))
    assert loss_law(model, dataset).is_mean
    if cls is ByNameAlone:
        return  # Keras does not build it, and measuring needs it built
    pair = next(iter(dataset.stage(0))).fine[1]
    _, gradient = per_sample.gradient_function(model, dataset)(pair)
    wanted = [np.concatenate([np.ravel(part) for part in tenfold(model, pair)])]
    assert relative_error([gradient], wanted) < 1e-5


class Only(keras.callbacks.Callback):
    """Keeps to the stage of a finest level."""

    def __init__(self, finest):
        super().__init__()
        self.finest = finest

    def on_train_begin(self, logs=None):
        self.model.fit_run.follow(lambda epoch: self.model.fit_run.stage_from(self.finest))


@pytest.mark.parametrize("cls", OWN[:3])
def test_a_stage_of_one_level_and_one_of_several_descend_alike(cls):
    """Keras itself does the steps of the coarsest level alone."""
    model, dataset = compiled(cls, GradientRecorder(), run_eagerly=True), pair_dataset((2, 4), 1)
    for finest in (1, 0):
        batch = next(iter(dataset.stage(finest)))
        wanted = tenfold(model, batch.fine[finest])
        if finest == 0:
            sides = tenfold(model, batch.fine[1]), tenfold(model, batch.coarse[0])
            wanted = [w + f - c for w, f, c in zip(wanted, *sides, strict=True)]
        model.fit(dataset, callbacks=[Only(finest)], verbose=0)
        assert relative_error(model.optimizer.recorded, wanted) < 1e-5
