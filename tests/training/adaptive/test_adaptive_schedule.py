import contextlib
import io
import types

import keras
import numpy as np
import pytest
from adaptive_runs import Kill, KilledError, dataset, fit, new_model, reasons
from conftest import small_images

import keras_ms
from keras_ms import AdaptiveSchedule
from keras_ms.levels import Stage


class Rates(keras.callbacks.Callback):
    """Keeps the learning rate of every step."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.seen.append(float(self.model.optimizer.learning_rate))


def scheduled(**options):
    rate = keras.optimizers.schedules.PolynomialDecay(0.01, 1.0, end_learning_rate=0.0)
    return AdaptiveSchedule(work_units=40.0, learning_rate=rate, **options)


@pytest.fixture(scope="module")
def whole():
    """A run through all levels, which many tests look at."""
    schedule, rates, printed = scheduled(), Rates(), io.StringIO()
    model = new_model()
    with contextlib.redirect_stdout(printed):
        history = model.fit(dataset(), epochs=40, callbacks=[rates, schedule], verbose=2).history
    return types.SimpleNamespace(
        decisions=schedule.decisions,
        history=history,
        weights=model.get_weights(),
        rates=rates.seen,
        printed=printed.getvalue(),
    )


def test_every_level_gets_at_most_half_of_the_rest_and_the_last_all(whole):
    assert [d.finest for d in whole.decisions] == [2, 1, 0]
    assert reasons(whole)[1:] == ["half of the rest is spent"] * 2
    # 2 work units an epoch on level 2, 4 on level 1, 8 on level 0: half of 40 and of the rest.
    assert [d.work_units for d in whole.decisions] == [0.0, 20.0, 32.0]
    assert whole.history["work_units"][-1] >= 40.0 > whole.history["work_units"][-2]
    assert whole.history["stage"][0] == 1.0
    assert whole.history["stage"][-1] == 3.0


@pytest.mark.smoke
def test_the_budget_ends_within_an_epoch():
    model, history = fit(AdaptiveSchedule(work_units=3.25), data=dataset(steps=40))
    assert int(model.optimizer.iterations) == 7  # of half a work unit each
    assert history["work_units"] == [3.5]


def test_an_epoch_in_which_the_budget_may_end_is_done_step_by_step(monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)

    class Executions(keras.callbacks.Callback):
        several_steps_safe = True
        seen = ()

        def on_epoch_begin(self, epoch, logs=None):
            self.seen = (*self.seen, 0)

        def on_train_batch_end(self, batch, logs=None):
            self.seen = (*self.seen[:-1], self.seen[-1] + 1)

    executions = Executions()
    # A work unit a step on level 1, two on level 0: 16 and 6 steps.
    model, history = fit(
        AdaptiveSchedule(work_units=28.0), data=dataset((2, 4)), callbacks=[executions]
    )
    assert int(model.optimizer.iterations) == 22
    assert history["work_units"][-1] == 28.0
    assert executions.seen[:3] == (4, 1, 1)
    assert executions.seen[4:] == (4, 2)


def test_a_budget_in_seconds_ends(monkeypatch):
    now = [0.0]
    clock = types.SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr("keras_ms.training.clock.time", clock)

    class Ticking(keras.callbacks.Callback):
        """A step takes half a second, a validation an hour."""

        def on_train_batch_end(self, batch, logs=None):
            now[0] += 0.5

        def on_test_batch_end(self, batch, logs=None):
            now[0] += 3600.0

    x = np.zeros((1, 32, 32, 3), np.float32)
    model, history = fit(
        AdaptiveSchedule(seconds=11.0), callbacks=[Ticking()], validation_data=(x, x)
    )
    assert int(model.optimizer.iterations) == 22
    assert history["stage"] == [1.0, 1.0, 1.0, 2.0, 2.0, 3.0]


def test_too_few_epochs_are_noticed():
    with pytest.warns(UserWarning, match="95% of the budget left.*epochs=1"):
        fit(AdaptiveSchedule(work_units=40.0), epochs=1)


def test_a_dataset_that_decides_by_itself_is_refused():
    data = keras_ms.MultiscaleDataset(
        small_images(), keras_ms.tasks.Denoising(), "auto", 32, steps_per_epoch=2
    )
    with pytest.raises(ValueError, match="levels='auto'"):
        fit(AdaptiveSchedule(work_units=10.0), data=data)


def test_a_level_is_left_when_validation_stalls():
    class Stalling(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = 1.0

    schedule = AdaptiveSchedule(work_units=1e4, patience=2)
    fit(schedule, epochs=8, callbacks=[Stalling()])
    assert [d.epoch for d in schedule.decisions] == [0, 3, 6]
    assert reasons(schedule)[1] == "val_loss no longer improves"


def test_learning_rate_follows_the_budget(whole):
    # An epoch of 4 steps on the coarsest level is a twentieth of the budget.
    assert whole.rates[:8] == pytest.approx([0.01] * 4 + [0.0095] * 4)
    assert whole.rates == sorted(whole.rates, reverse=True)


def test_one_level_is_plain_training():
    schedule = AdaptiveSchedule(work_units=20.0)
    fit(schedule, data=dataset(levels=(4,)))
    assert [d.stage for d in schedule.decisions] == [Stage(0, (4,))]


def test_a_line_per_stage(whole):
    assert "Level 2, 8x8 px, batches of 8" in whole.printed
    assert "Level 0, 32x32 px" in whole.printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of the two"),
        ({"seconds": 1.0, "work_units": 1.0}, "one of the two"),
        ({"seconds": 0.0}, "seconds=0.0"),
        ({"work_units": float("nan")}, "work_units=nan"),
        ({"work_units": "10"}, "work_units='10'"),
        ({"work_units": 1.0, "patience": 0}, "patience=0"),
        ({"work_units": 1.0, "learning_rate": 1e-3}, "learning_rate=0.001"),
    ],
)
def test_senseless_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveSchedule(**arguments)


def test_other_data_and_two_schedules_for_one_rate_are_refused():
    x = np.zeros((4, 8, 8, 3), np.float32)
    with pytest.raises(ValueError, match="on a MultiscaleDataset"):
        new_model().fit(x, x, callbacks=[AdaptiveSchedule(work_units=1.0)], verbose=0)
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 100)
    for policy, own in (("float32", rate), ("mixed_float16", rate), ("float32", lambda: 1e-3)):
        keras.config.set_dtype_policy(policy)
        try:
            model = new_model(own)
        finally:
            keras.config.set_dtype_policy("float32")
        with pytest.raises(ValueError, match="a schedule of its own"):
            fit(AdaptiveSchedule(work_units=1.0, learning_rate=rate), model)


def test_nothing_is_decided_before_training():
    schedule = AdaptiveSchedule(work_units=np.int64(10), patience=np.int64(2))
    assert schedule.decisions == ()
    assert schedule.progress == 0.0


@pytest.mark.parametrize("monitor", [3, "", None])
def test_monitors_without_a_name_are_refused(monitor):
    with pytest.raises(ValueError, match="`monitor` is the name"):
        keras_ms.AdaptiveSchedule(work_units=10, monitor=monitor)


def test_two_schedules_in_one_fit_are_refused():
    full = keras_ms.FullMultiscaleSchedule((4, 4, 4), steps_per_epoch=4)
    with pytest.raises(ValueError, match="One schedule leads a `fit`"):
        fit(AdaptiveSchedule(work_units=50), callbacks=[full])


def test_stages_are_plain_and_nothing_is_measured_unless_asked_for():
    schedule = AdaptiveSchedule(work_units=200.0)
    fit(schedule, data=dataset((16, 32)))  # smooth images: a sum would be cheaper
    assert [d.stage for d in schedule.decisions] == [Stage(1, (32,)), Stage(0, (16,))]
    assert all(not d.measured and not d.measuring for d in schedule.decisions)


def test_a_checkpoint_needs_no_journal_and_goes_on_within_an_epoch(tmp_path, whole):
    with pytest.raises(KilledError):
        fit(scheduled(), callbacks=[keras_ms.callbacks.Checkpoint(tmp_path, 0.0), Kill(12)])
    again, checkpoint = scheduled(), keras_ms.callbacks.Checkpoint(tmp_path, 0.0)
    got, _ = fit(again, callbacks=[checkpoint])
    assert (checkpoint.resumed.content["epoch"], checkpoint.resumed.content["step"]) == (12, 1)
    assert [d.stage for d in again.decisions] == [d.stage for d in whole.decisions]
    for a, b in zip(whole.weights, got.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("epoch", [1, 11])
def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path, epoch, whole):
    journal, backup = tmp_path / "journal.json", str(tmp_path / "backup")
    with pytest.raises(KilledError):
        fit(
            scheduled(journal=journal),
            callbacks=[keras.callbacks.BackupAndRestore(backup), Kill(epoch)],
        )
    again = scheduled(journal=journal)
    got, _ = fit(again, callbacks=[keras.callbacks.BackupAndRestore(backup)])
    assert [d.stage for d in again.decisions] == [d.stage for d in whole.decisions]
    for a, b in zip(whole.weights, got.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
