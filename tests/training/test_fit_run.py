"""The run of one `fit`: what each epoch trains on, what it costs, and what it builds."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset as dataset
from conftest import small_net

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training.fit_run import FitRun


@pytest.fixture
def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("adam", "mse", metrics=["mae"])
    return made


def assert_same(batch, other):
    assert batch.active_levels == other.active_levels
    for a, b in zip(keras.tree.flatten(batch), keras.tree.flatten(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_variables_of_model_loss_metrics_and_optimizer_are_there_when_it_starts(model):
    assert not model.optimizer.built
    FitRun(model, dataset())
    assert model.optimizer.built
    assert {metric.name for metric in model.metrics} >= {"loss", "compile_metrics"}
    assert len(model.metrics_variables) == 4  # totals and counts of the loss and of the error


def test_the_model_is_the_runs_while_it_lasts(model):
    with FitRun(model, dataset()) as run:
        assert model.fit_run is run
    assert model.fit_run is None


def test_without_a_schedule_every_epoch_has_all_levels(model):
    run = FitRun(model, dataset())
    assert run.stage(0) == run.stage(99) == Stage(0, (2, 4, 8))
    # 2 (1 + 1/4) + 4 (1/4 + 1/16) + 8/16
    assert run.spending.work_units(1, 1) == 3 * 4.25


def test_it_follows_one_schedule_and_adds_what_was_spent_beside_the_steps(model):
    run = FitRun(model, dataset())
    plain = [Stage(2, (8,)), Stage(1, (4,)), Stage(0, (2,))]
    run.follow(lambda epoch: plain[min(epoch, 2)], lambda epoch: 10.0 * epoch)
    # 8/16, 4/4 and 2 work units a step.
    assert [run.spending.work_units(epoch, 0) for epoch in range(4)] == [0.0, 11.0, 23.0, 37.0]
    assert run.spending.work_units(1, 1) == 12.0
    with pytest.raises(ValueError, match="One schedule leads"):
        run.follow(lambda epoch: plain[0])


@pytest.mark.smoke
def test_steps_of_one_execution_all_count():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse", steps_per_execution=2)
    data = dataset(steps=4)
    seen = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["work_units"])
    )
    history = model.fit(data, epochs=2, callbacks=[note], verbose=0).history
    assert history["work_units"] == [4 * 4.25, 8 * 4.25]
    assert seen == [2 * 4.25, 4 * 4.25, 6 * 4.25, 8 * 4.25]


def test_iterators_begin_where_their_epoch_does_and_go_on_in_the_next(model):
    data = dataset(prefetch=0)
    run = FitRun(model, data)
    run.follow(lambda epoch: run.stage_from(0 if epoch > 1 else 1))
    wanted = list(data.stage(1).take(4))
    for epoch in (0, 1):
        run.begin_epoch(epoch)
        iterator = iter(run.adapter.get_tf_dataset())
        for step in (0, 1):
            got = next(iterator)
            assert_same(got, wanted[2 * epoch + step])
    run.begin_epoch(2)
    assert_same(next(iter(run.adapter.get_tf_dataset())), next(iter(data.stage(0, 4))))


def test_batches_that_were_taken_before_training_come_again(model):
    data = dataset()
    run = FitRun(model, data)
    next(iter(run.adapter.get_tf_dataset()))
    run.begin()
    run.begin_epoch(0)
    assert_same(next(iter(run.adapter.get_tf_dataset())), next(iter(data.stage(0))))


def test_control_weights_of_a_stage_are_those_of_its_batches(model):
    run = FitRun(model, dataset())
    batch = next(iter(run.streams.of(Stage(1, (4, 8), (0.5,)), 0)))
    np.testing.assert_array_equal(batch.weights[2], np.full(8, 0.5, np.float32))
    assert batch.weights[:2] == ((), ())


class Untraceable(keras_ms.MultiscaleModel):
    """Runs on numbers, not on symbols."""

    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(3, 3, padding="same")

    def call(self, x):
        if not tf.executing_eagerly():
            raise RuntimeError("numbers, please")
        return self.conv(x)


def test_a_call_that_runs_on_numbers_alone_trains_eagerly_as_in_keras():
    model = Untraceable()
    model.compile("sgd", "mse", run_eagerly=True)
    assert np.isfinite(model.fit(dataset(), verbose=0).history["loss"][0])


class Subclassed(keras_ms.MultiscaleModel):
    def __init__(self, kernel=3):
        super().__init__()
        self.conv = keras.layers.Conv2D(3, kernel, padding="valid" if kernel == 5 else "same")
        self.traces = []

    def call(self, x):
        return self.conv(x)

    def train_step(self, data):
        self.traces.append(data.finest)
        return super().train_step(data)


def test_an_unbuilt_subclass_is_traced_once_per_stage():
    model = Subclassed()
    model.compile("adam", "mse")
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 2))
    model.fit(dataset(), epochs=schedule.epochs, callbacks=[schedule], verbose=0)
    assert model.traces == [0, 2, 1]  # the finest stage is rehearsed first


def test_an_unbuilt_subclass_that_does_not_fit_is_refused_before_the_first_step():
    model = Subclassed(kernel=5)
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match=r"output \(2, 28, 28, 3\), target \(2, 32, 32, 3\)"):
        model.fit(dataset(), verbose=0)
    assert model.traces == []
