"""StopOnDivergence: a run ends at the step whose numbers are not finite, and says where."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.callbacks import DivergedError, StopOnDivergence

STEPS = 6
BAD_STEP = 9
pytestmark = pytest.mark.filterwarnings("ignore:Iterations are read finest first")


class FaultyModel(keras_ms.MultiscaleModel):
    """A model in which something goes wrong at one step."""

    fault = ""

    def train_step(self, data):
        logs = super().train_step(data)
        now = tf.equal(self.optimizer.iterations.value, BAD_STEP)
        bad = tf.where(now, np.float32("nan"), 0.0)
        if self.fault == "loss":
            logs["loss"] += bad
        elif self.fault == "weights":
            self.trainable_variables[-1].assign_add(tf.repeat(bad, 3))
        return logs


class FaultySGD(keras.optimizers.SGD):
    """Clips what is infinite, so that weights stay finite."""

    def apply_gradients(self, grads_and_vars):
        now = tf.equal(self.iterations.value, BAD_STEP - 1)
        grads = [(g + tf.where(now, np.float32("inf"), 0.0), v) for g, v in grads_and_vars]
        super().apply_gradients(grads)


def fitted(fault="", callbacks=(), data=None, **options):
    keras.utils.set_random_seed(3)
    model = FaultyModel(*small_net())
    model.fault = fault
    optimizer = FaultySGD(1e-3, clipvalue=1.0) if fault == "gradients" else "sgd"
    model.compile(optimizer, "mse")
    schedule = keras_ms.FullMultiscaleSchedule((12, 6), STEPS)
    given = {"epochs": 3, "verbose": 0, "rehearse": False} | options
    data = data or pair_dataset((2, 4), STEPS)
    model.fit(data, callbacks=[schedule, *callbacks], **given)
    return model


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("loss", "the loss is not finite"),
        ("gradients", "gradients are not finite"),
        ("weights", "weights are not finite"),
    ],
)
def test_it_ends_at_the_step_and_names_stage_level_and_batch(fault, said, grouped, monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)
    if grouped:

        def all_at_once(pace, stage, epoch):
            pace.count.value = STEPS

        monkeypatch.setattr("keras_ms.training.pace.Pace.begin_epoch", all_at_once)
    seen = []
    note = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
    with pytest.raises(DivergedError, match=said) as found:
        fitted(fault, [note, StopOnDivergence()], group_steps=grouped)
    assert "stage 2 of 2 (level 0, 32x32 px, batches of 2, 4)" in str(found.value)
    assert f"epoch 2, batch 3, step {BAD_STEP} of the run" in str(found.value)
    assert seen == [0, 1]
    assert not found.value.by_data


def test_nan_in_pairs_is_found_at_the_step_that_it_enters():
    def poisoned(pair, seed):  # of one's own, after what is read was looked at
        x, y = pair
        return tf.where(seed[0] % 5 == 0, np.float32("nan"), x), y

    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    data = pair_dataset((4,), STEPS, augment=poisoned)
    holds = [bool(tf.reduce_any(tf.math.is_nan(b.fine[0][0]))) for b in data.stage().take(60)]
    first = holds.index(True)
    where = f"epoch {first // STEPS + 1}, batch {first % STEPS + 1}, step {first + 1} of the run"
    with pytest.raises(DivergedError, match=f"the data are not finite.*{where}") as found:
        model.fit(data, epochs=10, verbose=0, callbacks=[StopOnDivergence()])
    assert found.value.by_data


def test_a_loss_that_explodes_ends_the_run_as_well():
    model = keras_ms.MultiscaleModel(*small_net("linear"))
    model.compile(keras.optimizers.Adam(1e3), "mse")
    with pytest.raises(
        DivergedError, match=r"the loss is .*, larger than 100\. Received: .*step 2 "
    ):
        model.fit(
            pair_dataset((2, 4), STEPS),
            epochs=3,
            verbose=0,
            callbacks=[StopOnDivergence(100.0)],
        )


def test_a_validation_that_is_not_finite_ends_it():
    x = np.full((4, 32, 32, 3), np.nan, "float32")
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    with pytest.raises(DivergedError, match=r"the loss of the validation is not finite.* data"):
        model.fit(
            pair_dataset((2,), 2),
            validation_data=(x, x),
            verbose=0,
            callbacks=[StopOnDivergence()],
        )


def test_no_number_changes_and_later_fits_are_as_ever(monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)
    want = fitted().get_weights()
    model = fitted(callbacks=[StopOnDivergence()])
    for mine, theirs in zip(model.get_weights(), want, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    # What was found in a run that nobody watches ends none of its executions.
    model.fault = "weights"
    model.make_train_function(force=True)
    model.optimizer.iterations.assign(0)
    model.fit(pair_dataset((2, 4), STEPS), epochs=3, verbose=0, rehearse=False)
    assert int(model.optimizer.iterations) == 3 * STEPS


def test_on_other_data_it_looks_as_well():
    images = small_images(8)
    model = FaultyModel(*small_net())
    model.fault = "weights"
    model.compile("sgd", "mse")
    with pytest.raises(DivergedError, match=r"weights are not finite. Received: epoch 3, batch 1,"):
        model.fit(images, images, batch_size=2, epochs=4, verbose=0, callbacks=[StopOnDivergence()])


def test_where_only_the_loss_is_seen_both_causes_are_named():
    callback = StopOnDivergence()
    optimizer = types.SimpleNamespace(iterations=7, learning_rate=0.1)
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))  # as one of replicas
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    with pytest.raises(DivergedError, match="smaller learning rate, and look for NaN and Inf"):
        callback.on_train_batch_end(0, {"loss": np.nan})


@pytest.mark.parametrize("largest", [0.0, -1.0, float("nan")])
def test_a_largest_loss_is_positive(largest):
    with pytest.raises(ValueError, match="largest_loss="):
        StopOnDivergence(largest)
