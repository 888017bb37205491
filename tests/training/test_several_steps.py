"""Several steps in one execution: the same weights and logs, where no callback minds."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training import pace as pace_module
from keras_ms.training.pace import Pace, largest_divisor, looks_at_steps, steps_at_once

STEPS = 6


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch):
    """Steps on a busy machine may take longer than an execution usually may."""
    monkeypatch.setattr(pace_module, "LONGEST", 60.0)


class Calls(keras.callbacks.Callback):
    """Counts what Keras takes for batches, by epoch."""

    several_steps_safe = True

    def on_train_begin(self, logs=None):
        self.calls, self.epochs = [], []

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append([])

    def on_train_batch_end(self, batch, logs=None):
        self.calls[-1].append((self.model.fit_run.steps_done(batch), logs["work_units"]))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(dict(logs))


class Singly(keras.callbacks.Callback):
    """Wants to see every step."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def fitted(*callbacks, iterations=(2, 4), levels=(2, 4), **options):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse", metrics=["mae"])
    schedule = keras_ms.FullMultiscaleSchedule([n * STEPS for n in iterations], STEPS)
    calls = Calls()
    options = {"epochs": schedule.epochs, "verbose": 0} | options
    data = pair_dataset(levels, STEPS)
    model.fit(data, callbacks=[schedule, calls, *callbacks], **options)
    return model, calls


@pytest.fixture(scope="module")
def single():
    return fitted(group_steps=False)


@pytest.mark.smoke
def test_weights_and_epoch_logs_are_those_of_single_steps_to_the_bit(single, monkeypatch):
    monkeypatch.setattr(Pace, "begin_epoch", always(3))
    model, calls = fitted()
    assert [len(epoch) for epoch in calls.calls] == [2] * 6
    assert model.steps_per_execution == 1
    for mine, theirs in zip(model.get_weights(), single[0].get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert calls.epochs == single[1].epochs
    assert [seen for epoch in calls.calls for seen in epoch] == [
        seen for epoch in single[1].calls for seen in epoch if seen[0] % 3 == 0
    ]


def always(count):
    def begin_epoch(pace, stage, epoch):
        pace.count.value = count

    return begin_epoch


def test_every_stage_tries_single_steps_then_whole_epochs(single):
    _, calls = fitted(iterations=(2, 3))
    done = [len(epoch) for epoch in calls.calls]
    assert done[:3] == [STEPS, 1, 1]  # the coarse stage: one by one, then at once, twice
    assert done[3:] == [STEPS, 1]


def test_validation_is_as_without(single):
    held_out = next(iter(pair_dataset().stage(0))).fine[0]
    model, calls = fitted(iterations=(0, 3), validation_data=held_out, validation_batch_size=1)
    assert len(calls.calls[2]) == 1
    wanted = model.evaluate(*held_out, batch_size=1, verbose=0, return_dict=True)
    np.testing.assert_allclose(calls.epochs[-1]["val_loss"], wanted["loss"], rtol=1e-6)


@pytest.mark.parametrize("how", ["callback", "option", "distributed", "eager", "explicit"])
def test_steps_stay_single_or_as_the_user_says(how):
    keras.utils.set_random_seed(3)
    device = tf.distribute.OneDeviceStrategy("cpu:0")
    with device.scope() if how == "distributed" else tf.device("cpu:0"):
        model = keras_ms.MultiscaleModel(*small_net())
    compiled = {"eager": {"run_eagerly": True}, "explicit": {"steps_per_execution": 2}}
    model.compile("sgd", "mse", **compiled.get(how, {}))
    calls, more = Calls(), [Singly()] if how == "callback" else []
    options = {"group_steps": False} if how == "option" else {}
    data = pair_dataset((2,), STEPS)
    model.fit(data, epochs=3, callbacks=[calls, *more], verbose=0, **options)
    assert {len(epoch) for epoch in calls.calls} == {3 if how == "explicit" else STEPS}


def test_logs_that_are_no_plain_tensors_keep_steps_single():
    class Own(keras_ms.MultiscaleModel):
        def train_step(self, data):
            return {**super().train_step(data), "some": tf.where(tf.random.uniform((3,)) > 0.5)}

    model, calls = Own(*small_net()), Calls()
    model.compile("sgd", "mse")
    model.fit(pair_dataset((2,), STEPS), epochs=2, callbacks=[calls], verbose=0)
    assert [len(epoch) for epoch in calls.calls] == [STEPS, STEPS]


@pytest.mark.smoke
def test_a_backup_every_few_batches_sees_them_all(tmp_path):
    def backup(frequency):
        return keras.callbacks.BackupAndRestore(tmp_path / str(frequency), frequency)

    assert looks_at_steps(backup(4))
    assert not looks_at_steps(backup("epoch"))
    _, calls = fitted(backup(4), iterations=(0, 3))
    assert [len(epoch) for epoch in calls.calls] == [STEPS] * 3


@pytest.mark.parametrize(
    ("callback", "looks"),
    [
        (keras.callbacks.EarlyStopping(), False),
        (keras.callbacks.LambdaCallback(on_epoch_end=print), False),
        (keras.callbacks.LambdaCallback(on_train_batch_begin=print), True),
        (keras.callbacks.TerminateOnNaN(), True),
        (keras.callbacks.ModelCheckpoint("a.keras"), False),
        (keras.callbacks.ModelCheckpoint("a.keras", save_freq=5), True),
        (keras.callbacks.ProgbarLogger(), False),
        (keras_ms.AdaptiveSchedule(work_units=1), False),
        (keras_ms.RefreshStatistics(), False),
    ],
)
def test_who_looks_at_steps(callback, looks):
    assert looks_at_steps(callback) == looks


def test_the_largest_divisor_that_is_quick_enough():
    assert [largest_divisor(100, most) for most in (0.5, 3, 30, 100, 1e9)] == [1, 2, 25, 100, 100]


def test_the_faster_number_stays(monkeypatch):
    monkeypatch.setattr(pace_module, "LONGEST", 0.25)
    assert steps_at_once({}, 100) == 1
    assert steps_at_once({1: [0.01]}, 100) == 25
    assert steps_at_once({1: [0.01], 25: [0.02]}, 100) == 25
    assert steps_at_once({1: [0.01], 25: [0.02, 0.008]}, 100) == 25
    assert steps_at_once({1: [0.01], 25: [0.02, 0.011]}, 100) == 1
    assert steps_at_once({1: [0.3]}, 100) == 1


def test_time_runs_from_the_end_of_an_epochs_first_execution(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(pace_module.time, "perf_counter", lambda: now[0])
    pace, stage = Pace(4), Stage(1, (4,))
    for epoch, (count, seconds) in enumerate(
        [(1, (9.0, 2.0, 2.0, 2.0)), (4, (6.0,)), (4, (20.0,))]
    ):
        pace.begin_epoch(stage, epoch)
        assert pace.count.value == count
        for taken in seconds:
            began, now[0] = now[0], now[0] + taken
            pace.ran(began, {})
    assert pace._found[stage] == {1: [2.0], 4: [1.5, 5.0]}
    pace.begin_epoch(stage, 3)
    assert pace.count.value == 4
    pace.single = lambda epoch: epoch == 4
    pace.begin_epoch(stage, 4)
    assert pace.count.value == 1
