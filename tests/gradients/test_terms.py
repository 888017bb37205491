"""The gradients of single levels, of which a step is the sum."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import multiscale_batch, relative_error, small_net

import keras_ms
from keras_ms.gradients import terms


@pytest.fixture
def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile(keras.optimizers.SGD(0.1), "mse")
    return made


def by_hand(model, pair):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(pair[0]) - pair[1]))
    return tape.gradient(loss, [v.value for v in model.trainable_variables])


def test_a_side_term_is_the_difference_of_the_gradients_of_its_occurrences(model):
    batch = multiscale_batch()
    got = terms.side_gradients(model, batch.fine[1], batch.coarse[0])
    fine, coarse = by_hand(model, batch.fine[1]), by_hand(model, batch.coarse[0])
    wanted = [f - c for f, c in zip(fine, coarse, strict=True)]
    assert relative_error(got, wanted) < 1e-5


def test_the_finest_term_is_the_plain_gradient_and_reports_its_loss(model):
    pair = multiscale_batch().fine[0]
    got, logs = terms.finest_gradients(model, pair)
    assert relative_error(got, by_hand(model, pair)) < 1e-5
    wanted = np.mean(np.square(np.asarray(model(pair[0])) - pair[1].numpy()))
    np.testing.assert_allclose(float(logs["loss"]), wanted, rtol=1e-5)


def test_a_side_term_leaves_the_state_of_the_model_alone():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(3, 3, padding="same")(inputs))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Dropout(0.5, seed=1)(hidden))
    model.compile("sgd", "mse", metrics=["mae"])
    batch = multiscale_batch()
    model.fit(*batch.fine[0], verbose=0)  # builds the metrics
    before = [v.numpy() for v in (*model.variables, *model.metrics_variables)]
    terms.side_gradients(model, batch.fine[1], batch.coarse[0])
    after = [v.numpy() for v in (*model.variables, *model.metrics_variables)]
    for mine, theirs in zip(after, before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_sums_and_multiples_keep_weights_that_play_no_part():
    some, others = [tf.ones(2), None, None], [tf.ones(2), tf.ones(3), None]
    added = terms.added(some, others)
    np.testing.assert_array_equal(added[0], 2.0 * np.ones(2))
    np.testing.assert_array_equal(added[1], np.ones(3))
    assert added[2] is None
    scaled = terms.scaled([tf.ones(2, tf.float16), None], tf.constant(0.5))
    assert scaled[0].dtype == tf.float16
    np.testing.assert_array_equal(scaled[0], 0.5 * np.ones(2))
    assert scaled[1] is None


def test_shared_terms_are_the_same_numbers(model):
    batch = multiscale_batch()
    none = tf.TensorSpec((None, None, None, 3), tf.float32)
    shared, own = terms.SharedTerms(model, (none, none)), terms.Terms(model)
    pairs = (batch.fine[1], batch.coarse[0])
    assert relative_error(shared.side(*pairs), own.side(*pairs)) < 1e-5
    assert relative_error(shared.finest(batch.fine[0])[0], own.finest(batch.fine[0])[0]) < 1e-5
