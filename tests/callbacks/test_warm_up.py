"""A learning rate that begins small with every stage, whichever schedule leads."""

from fractions import Fraction

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.callbacks import PerStage, WarmUpPerStage

STEPS = 4
pytestmark = pytest.mark.filterwarnings("ignore:Iterations are read finest first")


class Rates(keras.callbacks.Callback):
    """The rate of every step."""

    def on_train_begin(self, logs=None):
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(round(float(self.model.optimizer.learning_rate), 6))


def fitted(rate, schedule, *callbacks, run_eagerly=True):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=run_eagerly)
    rates, data = Rates(), pair_dataset((1, 2), STEPS, telescoping=False)
    options = {"verbose": 0, "rehearse": False, "epochs": schedule.epochs}
    model.fit(data, callbacks=[*callbacks, schedule, rates], **options)
    return model, rates.seen


def staged():
    return keras_ms.FullMultiscaleSchedule((2 * STEPS, STEPS), STEPS)


@pytest.mark.smoke
def test_it_warms_up_at_the_start_of_every_stage():
    rate = WarmUpPerStage(0.04, steps=2, start=0.5)
    _, seen = fitted(rate, staged())
    assert seen == [0.02, 0.03, 0.04, 0.04, 0.02, 0.03, *[0.04] * 6]


def test_steps_use_it_though_they_are_traced_before():
    rate = WarmUpPerStage(0.04, steps=STEPS, start=0.0)
    moved, weights = [], []

    class Moves(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            weights.append(self.model.get_weights()[0])

        def on_train_batch_end(self, batch, logs=None):
            moved.append(bool(np.any(self.model.get_weights()[0] != weights[-1])))

    fitted(rate, staged(), Moves(), run_eagerly=False)
    # The first step of a stage has a rate of 0, all others have not.
    assert moved == [False, True, True, True, False, *[True] * 7]


def test_it_scales_a_schedule_of_the_whole_run():
    whole = keras.optimizers.schedules.CosineDecay(0.04, 3 * STEPS)
    rate = WarmUpPerStage(whole, steps=2, start=0.5)
    _, seen = fitted(rate, staged())
    plain = [float(whole(step)) for step in range(3 * STEPS)]
    factors = [0.5, 0.75, 1, 1, 0.5, 0.75, *[1] * 6]
    np.testing.assert_allclose(seen, np.multiply(plain, factors), atol=1e-6)


def test_stages_that_an_adaptive_schedule_or_a_callback_ends_count_too():
    rate = WarmUpPerStage(0.04, steps=1, start=0.5)
    stop = PerStage(keras.callbacks.EarlyStopping("loss", patience=1))
    same = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: logs.update(loss=1.0))
    schedule = keras_ms.FullMultiscaleSchedule((STEPS, 3 * STEPS), STEPS)
    _, seen = fitted(rate, schedule, same, stop)
    assert [step for step, value in enumerate(seen) if value == 0.02] == [0, 2 * STEPS]
    adaptive = keras_ms.AdaptiveSchedule(work_units=16.0)
    _, seen = fitted(rate, adaptive)
    starts = [decision.epoch * STEPS for decision in adaptive.decisions]
    assert [step for step, value in enumerate(seen) if value == 0.02] == starts


def test_a_run_that_goes_on_within_a_stage_does_not_warm_up_again():
    rate = WarmUpPerStage(0.04, steps=2 * STEPS, start=0.5)
    model, first = fitted(rate, keras_ms.FullMultiscaleSchedule((STEPS, STEPS), STEPS))
    rates = Rates()
    data = pair_dataset((1, 2), STEPS, telescoping=False)
    options = {"epochs": 3, "initial_epoch": 2, "verbose": 0}
    model.fit(data, callbacks=[staged(), rates], **options)
    np.testing.assert_allclose(first[STEPS:], [0.02, 0.0225, 0.025, 0.0275], atol=1e-6)
    np.testing.assert_allclose(rates.seen, [0.03, 0.0325, 0.035, 0.0375], atol=1e-6)


def test_it_comes_back_from_a_file(tmp_path):
    whole = keras.optimizers.schedules.CosineDecay(0.04, 10)
    for rate in (whole, 0.04, Fraction(1, 25), np.float32(0.04)):
        made = WarmUpPerStage(rate, steps=3, start=0.2)
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
        assert [float(made(s)) for s in (0, 2, 9)] == [float(again(s)) for s in (0, 2, 9)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "steps=0"),
        ({"start": 1.5}, "start=1.5"),
        ({"learning_rate": "fast"}, "learning_rate='fast'"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": -1e-3}, r"number, 0 or more, .*learning_rate=-0.001\. Use for example"),
    ],
)
def test_senseless_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        WarmUpPerStage(**{"learning_rate": 0.1, "steps": 2} | options)
