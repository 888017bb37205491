"""Runs that go by the clock, on a clock that the test moves."""

import types

import keras
import pytest
from conftest import Blur, small_images, small_net

import keras_ms
from apps.experiment.recording import TrainingClock
from apps.experiment.validation_lines import ValidationLines
from apps.strategies.by_the_clock import ByTheClock
from keras_ms.training import clock as clock_module
from keras_ms.training.progress import duration

STEPS = 4  # an epoch


@pytest.fixture
def fit(monkeypatch):
    """Fits by a clock on which a step takes as many seconds as told for its level."""
    now = [0.0]
    monkeypatch.setattr(clock_module, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))

    class Time(keras.callbacks.Callback):
        def __init__(self, pace, takes):
            super().__init__()
            self.pace, self.takes, self.rates = pace, takes, []

        def on_train_batch_begin(self, batch, logs=None):
            now[0] += self.takes[self.pace.finest[-1]]
            self.rates.append(float(self.model.optimizer.learning_rate))

        def on_test_begin(self, logs=None):
            now[0] += 1000.0

    def run(seconds, shares, takes, rate=0.1, more=(), **options):
        sizes = (2, 4)[: len(shares)]
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile(keras.optimizers.SGD(0.1), "mse")
        data = keras_ms.MultiscaleDataset(small_images(), Blur(), sizes, 32, STEPS)
        clock = TrainingClock()
        pace = ByTheClock(clock, seconds, shares, rate)
        time = Time(pace, takes)
        callbacks = [clock, pace, time, ValidationLines(lambda: pace.progress, clock), *more]
        model.fit(data, epochs=1000, callbacks=callbacks, verbose=0, rehearse=False, **options)
        return pace, time, model

    return run


def test_stages_have_their_shares_of_the_seconds(fit):
    pace, time, _ = fit(100.0, (1, 3), takes=(5.0, 0.5))
    # 75 s of steps of half a second, in epochs of 4: 152 of them. 24 s of 5 s: 5 steps.
    assert pace.steps == [5, 152]
    assert pace.finest == [1] * 38 + [0] * 2
    assert len(time.rates) == 157


def test_a_machine_that_slows_down_ends_in_time_and_at_the_end_of_the_decay(fit):
    rate = keras.optimizers.schedules.CosineDecay(0.1, 1.0, alpha=1e-3)
    for takes in (0.5, 7.0):
        pace, time, _ = fit(100.0, (1,), (takes,), rate)
        assert pace.steps == [-int(-100.0 // takes)]
        assert time.rates[1] > 0.09
        assert time.rates[-1] < 0.002


def test_a_stage_whose_start_takes_too_long_has_an_epoch_all_the_same(fit):
    pace, _, _ = fit(100.0, (1, 1), takes=(1.0, 22.0))
    assert pace.steps == [12, 4]


def test_stages_without_a_share_are_left_out(fit):
    pace, _, _ = fit(20.0, (0, 1), takes=(1.0, 1.0))
    assert (pace.steps, set(pace.finest)) == ([0, 20], {1})


@pytest.mark.parametrize(("shares", "told"), [((1, 1), True), ((1,), False)])
def test_time_that_is_up_before_the_finest_level_says_so(fit, capsys, shares, told):
    fit(10.0, shares, takes=(11.0, 11.0))
    assert ("Time is up on stage 1 of 2" in capsys.readouterr().out) == told


def test_a_line_per_validation_says_where_the_run_is(fit, capsys):
    pairs = keras_ms.data.evaluation_pairs(small_images(), Blur(), 32, samples=2)
    fit(16.0, (1, 1), takes=(2.0, 1.0), validation_data=pairs)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith("stage 1/2 · 16 px · 25% of the budget · 4 work units · loss ")
    assert second.startswith("stage 1/2 · 16 px · 50% of the budget · 8 work units · loss ")
    assert first.endswith(" · 12 s left")
    assert "· val_loss " in first


class KilledError(Exception):
    pass


def kill_at(steps):
    def kill(batch, logs):
        kill.steps += 1
        if kill.steps == steps:
            raise KilledError

    kill.steps = 0
    return keras.callbacks.LambdaCallback(on_train_batch_end=kill)


def test_a_run_that_goes_on_counts_the_seconds_already_spent(fit, tmp_path):
    def checkpoint():
        return keras_ms.callbacks.Checkpoint(tmp_path, every_seconds=0.0)

    want, _, _ = fit(20.0, (1, 3), takes=(5.0, 0.5))
    with pytest.raises(KilledError):
        fit(20.0, (1, 3), takes=(5.0, 0.5), more=[kill_at(31), checkpoint()])
    pace, time, model = fit(20.0, (1, 3), takes=(5.0, 0.5), more=[checkpoint()])
    assert (pace.steps, pace.finest) == (want.steps, want.finest)
    assert len(time.rates) == sum(want.steps) - 30  # what was done when it was saved last
    assert int(model.optimizer.iterations) == sum(want.steps)


def test_durations_in_words():
    found = [duration(seconds) for seconds in (-1.0, 8.6, 59.6, 65.0, 3599.6, 7620.0)]
    assert found == ["0 s", "9 s", "1 min 00 s", "1 min 05 s", "1 h 00 min", "2 h 07 min"]
