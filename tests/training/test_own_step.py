"""A `train_step` in the style of the Keras guide: right on plain pairs, refused on sums."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import multiscale_batch, pair_dataset, small_net

import keras_ms
from keras_ms.training.own_step import StepBatch, unpackable


class Guide(keras_ms.MultiscaleModel):
    """As https://keras.io/guides/custom_train_step_in_tensorflow has it."""

    def train_step(self, data):
        x, y = self.taken(data)
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        for metric in self.metrics:
            metric.update_state(loss) if metric.name == "loss" else metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def taken(self, data):
        x, y = data
        return x, y


class ByIndex(Guide):
    def taken(self, data):
        return data[0], data[1]


class ByKeras(Guide):
    def taken(self, data):
        return keras.utils.unpack_x_y_sample_weight(data)[:2]


class WithWeights(Guide):
    def taken(self, data):
        x, y, _ = data
        return x, y


class Mixin:
    train_step = Guide.train_step
    taken = Guide.taken


class Mixed(Mixin, keras_ms.MultiscaleModel):
    pass


def model(cls=Guide, **options):
    keras.utils.set_random_seed(3)
    made = cls(*small_net())
    made.compile(keras.optimizers.SGD(0.05), "mse", **options)
    return made


@pytest.fixture(scope="module")
def plainly_trained():
    trained = model(keras_ms.MultiscaleModel)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2))
    data = pair_dataset((2, 4), telescoping=False)
    trained.fit(data, epochs=2, callbacks=[schedule], verbose=0)
    return trained.get_weights()


@pytest.mark.parametrize("cls", [Guide, ByIndex, ByKeras, Mixed])
def test_plain_stages_train_as_without_a_step_of_ones_own(cls, plainly_trained):
    trained = model(cls, run_eagerly=cls is ByIndex)
    schedule = keras_ms.FullMultiscaleSchedule((2, 2))
    data = pair_dataset((2, 4), telescoping=False)
    trained.fit(data, epochs=2, callbacks=[schedule], verbose=0)
    for mine, theirs in zip(trained.get_weights(), plainly_trained, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", [Guide, ByIndex, ByKeras, WithWeights, Mixed])
def test_a_telescoping_step_cannot_be_taken_apart(cls):
    with pytest.raises(ValueError, match=rf"`{cls.__name__}\.train_step` .*\(0, 1\).*compute_loss"):
        model(cls, run_eagerly=True).fit(pair_dataset((2, 4)), verbose=0)


def test_the_first_stages_train_and_the_sum_is_refused_when_it_comes_or_is_rehearsed():
    with pytest.raises(ValueError, match="telescoping=False"):
        model().fit(
            pair_dataset((2, 4)),
            epochs=2,
            callbacks=[keras_ms.FullMultiscaleSchedule((2, 2))],
            verbose=0,
        )


class Watch(keras.callbacks.Callback):
    """Counts the steps that are done."""

    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


@pytest.mark.parametrize("rehearse", [True, False])
@pytest.mark.parametrize("eagerly", [True, False])
def test_a_sum_that_comes_later_is_refused_before_the_first_step(rehearse, eagerly):
    made, watch = model(run_eagerly=eagerly), Watch()
    before = made.get_weights()
    schedule = keras_ms.FullMultiscaleSchedule((2, 2))
    with pytest.raises(ValueError, match=r"`Guide\.train_step` .*\(0, 1\).*compute_loss"):
        made.fit(
            pair_dataset((2, 4)),
            epochs=2,
            callbacks=[schedule, watch],
            verbose=0,
            rehearse=rehearse,
        )
    assert watch.steps == 0
    for mine, theirs in zip(made.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


class PlainThenSum(keras.callbacks.Callback):
    """Two plain epochs, then a sum, from one finest level on."""

    def __init__(self, level):
        super().__init__()
        self.level = level

    def on_train_begin(self, logs=None):
        sums = keras_ms.levels.Stage(self.level, (2, 4))
        plain = keras_ms.levels.Stage(self.level, (2,))
        self.model.fit_run.follow(lambda epoch: sums if epoch == 2 else plain)


@pytest.mark.parametrize("level", [0, 1])
def test_so_are_sums_of_any_level_and_epoch(level):
    made, watch = model(run_eagerly=True), Watch()
    with pytest.raises(ValueError, match="telescoping sum of levels"):
        made.fit(
            pair_dataset((2, 4, 8)), epochs=4, callbacks=[PlainThenSum(level), watch], verbose=0
        )
    assert watch.steps == 0


class Above(Guide):
    """Takes sums, and plain pairs, as they come."""

    def train_step(self, data):
        return keras_ms.MultiscaleModel.train_step(self, data)


def test_steps_that_take_sums_train_as_ever():
    weights = []
    for cls in (Above, keras_ms.MultiscaleModel):
        made, schedule = model(cls, run_eagerly=True), keras_ms.FullMultiscaleSchedule((2, 2))
        options = {"epochs": 2, "callbacks": [schedule], "verbose": 0, "rehearse": False}
        made.fit(pair_dataset((2, 4)), **options)
        weights.append(made.get_weights())
        assert not made.losses
    for mine, theirs in zip(*weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-7)


def test_one_level_is_a_plain_pair():
    history = model().fit(pair_dataset((4,)), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_ordinary_data_comes_as_it_is():
    seen = []
    step = unpackable(seen.append, "Mine")
    step(("x", "y"))
    assert seen == [("x", "y")]


def test_fields_properties_and_structures_are_those_of_a_batch():
    batch = multiscale_batch((2, 3))
    got = unpackable(lambda data: data, "Mine")(batch)
    assert isinstance(got, StepBatch)
    assert got.active_levels == (0, 1)
    assert got.fine is batch.fine
    assert got
    assert len(tf.nest.flatten(got)) == len(keras.tree.flatten(got)) == 6
    doubled = keras.tree.map_structure(lambda t: 2 * t, got)
    np.testing.assert_array_equal(doubled.coarse[0][1], 2 * batch.coarse[0][1])
    assert got._replace(weights=(1,)).weights == (1,)
    assert list(got._asdict()) == ["fine", "coarse", "weights", "fresh"]
