"""Checkpoint: a killed run goes on and ends like one that was not, to the last bit."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_images, small_net
from killed_runs import (
    ITERATIONS,
    STEPS,
    KillAfter,
    KilledError,
    assert_equal,
    dropout_net,
    fitted,
    killed,
)

import keras_ms
from keras_ms.callbacks import Checkpoint
from keras_ms.training.snapshots import Snapshots


@pytest.fixture(scope="module")
def whole():
    model, history = fitted()
    return model.get_weights(), history


def assert_like(whole, model, history):
    assert_equal(model.get_weights(), whole[0])
    assert history == whole[1]
    assert int(model.optimizer.iterations) == sum(ITERATIONS)


# Before the first checkpoint, within an epoch, at the end of a stage, within the last epoch.
@pytest.mark.parametrize("steps", [1, 7, 16, 23])
def test_a_run_with_dropout_ends_as_if_it_had_not_been_killed(tmp_path, steps, whole):
    killed(tmp_path, steps)
    checkpoint = Checkpoint(tmp_path, 0.0)
    model, history = fitted(checkpoint)
    # What is killed in a callback after a step had not saved that step yet.
    done = checkpoint.resumed.content["steps"] if checkpoint.resumed else 0
    assert done == (steps - 1 if steps > 1 else 0)
    assert_like(whole, model, history)


@pytest.mark.smoke
def test_a_run_that_is_killed_twice_and_saves_rarely(tmp_path, whole):
    killed(tmp_path, 18, every=1e9)  # saved at the end of the coarse stage, and no more
    checkpoint = Checkpoint(tmp_path, 1e9)
    with pytest.raises(KilledError):
        fitted(KillAfter(19), checkpoint)
    assert checkpoint.resumed.content["steps"] == 15
    assert_like(whole, *fitted(Checkpoint(tmp_path)))


def test_several_steps_in_one_execution_go_on_alike(tmp_path, whole, monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)
    killed(tmp_path, 18, group_steps=True)
    assert_like(whole, *fitted(Checkpoint(tmp_path, 0.0), group_steps=True))


def test_other_callbacks_take_up_what_they_remember(tmp_path):
    held_out = next(iter(pair_dataset((2, 4)).stage(0))).fine[0]

    def callbacks():
        plateau = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=0, min_delta=1.0)
        early = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=1.0)
        return [plateau, early]

    options = {"validation_data": held_out, "optimizer": "sgd"}
    want, history = fitted(*callbacks(), **options)
    assert len(history["loss"]) == 3  # a wait of two epochs, of which the kill forgets none
    with pytest.raises(KilledError):
        fitted(*callbacks(), KillAfter(12), Checkpoint(tmp_path, 0.0), **options)
    got, resumed = fitted(*callbacks(), Checkpoint(tmp_path, 0.0), **options)
    assert resumed == history
    assert_equal(got.get_weights(), want.get_weights())
    # It had ended, and there is nothing left to do.
    again, resumed = fitted(*callbacks(), Checkpoint(tmp_path, 0.0), **options)
    assert resumed == history
    np.testing.assert_array_equal(again.get_weights()[0], want.get_weights()[0])


def impatient():
    wait = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=10.0)
    plateau = keras.callbacks.ReduceLROnPlateau("loss", 0.5, patience=0, min_delta=10.0)
    return [keras_ms.callbacks.PerStage(callback) for callback in (wait, plateau)]


@pytest.fixture(scope="module")
def shortened():
    model, history = fitted(*impatient(), optimizer="adam")
    assert history["stage"] == [1, 1, 2, 2]  # of 3 and 2 epochs
    assert history["learning_rate"][0] == history["learning_rate"][2]  # put back
    return model.get_weights(), history


# In the first stage, at its early end, and in the second one, within an epoch and at its end.
@pytest.mark.parametrize("steps", [7, 11, 16])
def test_stages_that_ended_early_stay_ended(tmp_path, steps, shortened):
    weights, history = shortened
    with pytest.raises(KilledError):
        fitted(*impatient(), KillAfter(steps), Checkpoint(tmp_path, 0.0), optimizer="adam")
    got, resumed = fitted(*impatient(), Checkpoint(tmp_path, 0.0), optimizer="adam")
    assert resumed == history
    assert_equal(got.get_weights(), weights)


def test_a_rate_that_warms_up_goes_on_within_an_epoch(tmp_path):
    def warming():
        return keras.optimizers.Adam(keras_ms.callbacks.WarmUpPerStage(1e-2, steps=2 * STEPS))

    want, _ = fitted(optimizer=warming())
    killed(tmp_path, 18, optimizer=warming())
    got, _ = fitted(Checkpoint(tmp_path, 0.0), optimizer=warming())
    np.testing.assert_array_equal(got.get_weights()[0], want.get_weights()[0])


def test_terms_that_are_kept_are_part_of_it(tmp_path):
    data = pair_dataset((1, 2), STEPS + 1, refresh=(3, 1))

    def trained(*callbacks):
        keras.utils.set_random_seed(3)
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile("adam", "mse")
        model.fit(data, callbacks=list(callbacks), epochs=2, verbose=0, rehearse=False)
        return model.get_weights()

    want = trained()
    with pytest.raises(KilledError):
        trained(KillAfter(9), Checkpoint(tmp_path, 0.0))
    assert_equal(trained(Checkpoint(tmp_path, 0.0)), want)


def test_the_same_callback_trains_on_from_the_end(tmp_path):
    data = pair_dataset((2,), STEPS)
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    checkpoint = Checkpoint(tmp_path)
    model.fit(data, epochs=1, callbacks=[checkpoint], verbose=0)
    assert int(model.optimizer.iterations) == STEPS
    model.fit(data, epochs=2, callbacks=[checkpoint], verbose=0)
    assert int(model.optimizer.iterations) == 2 * STEPS
    model.fit(data, epochs=1, verbose=0)  # without it, from epoch 0 as ever
    assert int(model.optimizer.iterations) == 3 * STEPS


def test_a_full_disk_costs_a_warning_and_no_training(tmp_path, monkeypatch, whole):
    def full(self, content):
        raise OSError(28, "No space left on device", "checkpoint-000001.npz")

    monkeypatch.setattr(Snapshots, "write", full)
    with pytest.warns(UserWarning, match=r"cannot be written .*No space left.*000001"):
        assert_like(whole, *fitted(Checkpoint(tmp_path, 1e9)))


def test_on_other_data_it_saves_at_ends_of_epochs(tmp_path):
    images = small_images(8)

    def trained(epochs, *callbacks):
        keras.utils.set_random_seed(3)
        model = keras_ms.MultiscaleModel(*dropout_net())
        model.compile("adam", "mse")
        options = {"batch_size": 4, "shuffle": False, "verbose": 0}
        model.fit(images, images, epochs=epochs, callbacks=list(callbacks), **options)
        return model.get_weights()

    want = trained(3)
    with pytest.raises(KilledError):
        trained(3, KillAfter(5), Checkpoint(tmp_path, 0.0))
    assert_equal(trained(3, Checkpoint(tmp_path, 0.0)), want)


class Random(keras.losses.Loss):
    """A loss with random weights, which no list of variables has."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, y_true, y_pred):
        size = (keras.ops.shape(y_true)[0], 1, 1, 1)
        weights = keras.random.uniform(size, seed=self.seeds)
        return keras.ops.mean(weights * (y_true - y_pred) ** 2, axis=(1, 2, 3))


# In the first step behind the end of an epoch, where averages are in the place of weights, and when
# the last epoch has ended.
@pytest.mark.parametrize("kill", [lambda: KillAfter(STEPS + 1), lambda: KillAtTheEnd()])
def test_seeds_of_losses_and_averaged_weights_go_on_to_the_bit(tmp_path, kill):
    def trained(*callbacks):
        keras.utils.set_random_seed(3)
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile(keras.optimizers.Adam(1e-2, use_ema=True), Random())
        swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
        options = {"epochs": 2, "verbose": 0}
        data = pair_dataset((2,), STEPS)
        model.fit(data, callbacks=[swap, *callbacks], **options)
        return model.get_weights()

    want = trained()
    with pytest.raises(KilledError):
        trained(kill(), Checkpoint(tmp_path, 0.0))
    assert_equal(trained(Checkpoint(tmp_path)), want)


class KillAtTheEnd(keras.callbacks.Callback):
    def on_train_end(self, logs=None):
        raise KilledError


class Spoil(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            weight = self.model.trainable_variables[0]
            weight.assign(np.full(weight.shape, np.inf))


def test_weights_that_are_not_finite_do_not_take_the_place_of_sound_ones(tmp_path):
    images = small_images(2)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    callbacks = [Checkpoint(tmp_path, 0.0), Spoil()]
    with pytest.warns(UserWarning, match="not finite: the checkpoint before stays"):
        model.fit(images, images, epochs=4, callbacks=callbacks, verbose=0)
    found = Snapshots(tmp_path).newest().content
    assert found["epoch"] == 1
    assert all(np.all(np.isfinite(value)) for value in found["values"])
