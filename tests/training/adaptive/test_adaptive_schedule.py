import keras
import numpy as np
import pytest
from adaptive_runs import Kill, KilledError, dataset, fit, new_model, reasons
from conftest import small_images

import keras_ms
from keras_ms import AdaptiveSchedule


def test_every_level_gets_at_most_half_of_the_rest_and_the_last_all():
    schedule = AdaptiveSchedule(work_units=80.0)
    _, history = fit(schedule)
    assert [d.finest for d in schedule.decisions] == [2, 1, 0]
    assert reasons(schedule)[1:] == ["half of the rest is spent"] * 2
    # 2 work units an epoch on level 2, 4 on level 1, 8 on level 0.
    assert [d.work_units for d in schedule.decisions] == [0.0, 40.0, 60.0]
    assert history["work_units"][-1] >= 80.0 > history["work_units"][-2]
    assert history["stage"][0] == 1.0
    assert history["stage"][-1] == 3.0


@pytest.mark.smoke
def test_the_budget_ends_within_an_epoch():
    model, history = fit(AdaptiveSchedule(work_units=3.25), data=dataset(steps=40))
    assert int(model.optimizer.iterations) == 7  # of half a work unit each
    assert history["work_units"] == [3.5]


def test_a_budget_in_seconds_ends():
    schedule = AdaptiveSchedule(seconds=1.5)
    fit(schedule)
    assert 1.5 <= schedule._clock.seconds < 30.0


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


def test_learning_rate_follows_the_budget():
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate))

    rate = keras.optimizers.schedules.PolynomialDecay(1.0, 1.0, end_learning_rate=0.0)
    fit(AdaptiveSchedule(work_units=16.0, learning_rate=rate), callbacks=[Rates()])
    assert seen[:8] == [1.0] * 4 + [0.875] * 4
    assert seen == sorted(seen, reverse=True)


def test_one_level_is_plain_training():
    schedule = AdaptiveSchedule(work_units=20.0)
    fit(schedule, data=dataset(levels=(4,)))
    assert [d.stage for d in schedule.decisions] == [(0, (4,), ())]


def test_a_line_per_stage(capsys):
    schedule = AdaptiveSchedule(work_units=20.0)
    new_model().fit(dataset(), epochs=40, callbacks=[schedule], verbose=2)
    printed = capsys.readouterr().out
    assert "Level 2, 8x8 px, batches of 8" in printed
    assert "Level 0, 32x32 px" in printed


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
    assert [d.stage for d in schedule.decisions] == [(1, (32,), ()), (0, (16,), ())]
    assert all(not d.measured and not d.measuring for d in schedule.decisions)


@pytest.mark.parametrize("epoch", [1, 4])
def test_a_resumed_run_ends_like_an_uninterrupted_one(tmp_path, epoch):
    journal, backup = tmp_path / "journal.json", str(tmp_path / "backup")
    whole = AdaptiveSchedule(work_units=40.0)
    wanted, _ = fit(whole)
    with pytest.raises(KilledError):
        fit(
            AdaptiveSchedule(work_units=40.0, journal=journal),
            callbacks=[keras.callbacks.BackupAndRestore(backup), Kill(epoch)],
        )
    again = AdaptiveSchedule(work_units=40.0, journal=journal)
    got, _ = fit(again, callbacks=[keras.callbacks.BackupAndRestore(backup)])
    assert [d.stage for d in again.decisions] == [d.stage for d in whole.decisions]
    for a, b in zip(wanted.get_weights(), got.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
