import json

import keras
import numpy as np
import pytest
from conftest import Blur, small_images, small_net

import keras_ms
from keras_ms import AdaptiveSchedule
from keras_ms.training.adaptive import gauge as level_gauge
from keras_ms.training.adaptive import schedule as adaptive_schedule
from keras_ms.training.adaptive.journal import Journal


def dataset(levels=(2, 4, 8), steps=4, **options):
    task = keras_ms.tasks.Denoising(t_range=(0.5, 1.0))
    return keras_ms.MultiscaleDataset(small_images(), task, levels, 32, steps, **options)


def new_model(rate=1e-2, **options):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.Adam(rate), "mse", **options)
    return model


def fit(schedule, model=None, data=None, epochs=None, callbacks=(), **options):
    model = model or new_model()
    history = model.fit(
        data or dataset(),
        epochs=epochs or schedule.epochs,
        callbacks=[*callbacks, schedule],
        verbose=0,
        **options,
    )
    return model, history.history


def reasons(schedule):
    return [decision.reason for decision in schedule.decisions]


@pytest.fixture
def often(monkeypatch):
    """Measures at every epoch, whatever it costs."""
    monkeypatch.setattr(level_gauge, "MEASURING_SHARE", 1e3)
    monkeypatch.setattr(level_gauge, "MOST_GROUPS", 4)


@pytest.fixture
def patient(monkeypatch):
    """Bears any bias."""
    monkeypatch.setattr(adaptive_schedule.rule, "ALIGNED", 1e9)


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


def test_a_biased_coarse_gradient_is_left(often, monkeypatch):
    monkeypatch.setattr(adaptive_schedule.rule, "ALIGNED", 0.0)

    class Backwards(keras_ms.tasks.Denoising):
        """On every mesh but the finest the target is the negative."""

        def pair(self, example):
            x, y = super().pair(example)
            return x, y if x.shape[1] == 32 else -y

    data = keras_ms.MultiscaleDataset(
        small_images(), Backwards(t_range=(0.99, 1.0)), (32, 64), 32, 4
    )
    schedule = AdaptiveSchedule(work_units=1e4)
    fit(schedule, data=data, epochs=8)
    assert reasons(schedule)[1] == "the coarse gradient is biased"
    figures = schedule.decisions[1].figures
    assert figures["squared_bias"] > figures["sampling_variance"]
    assert figures["ratio"] > 1.0


def test_a_coarse_gradient_like_the_fine_one_is_kept(often):
    # All images are one grey: on every level the gradient is the same, up to the padding.
    images = [np.full((40, 40, 3), 0.7, np.float32)]
    data = keras_ms.MultiscaleDataset(images, Blur(), (2, 4), 32, 4)
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None, None, 3))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(inputs))
    model.compile(keras.optimizers.SGD(1e-3), "mse")
    schedule = AdaptiveSchedule(work_units=1e4)
    fit(schedule, model, data, epochs=6)
    assert set(reasons(schedule)[1:]) == {"the coarse gradient serves"}
    assert {d.finest for d in schedule.decisions} == {1}


def test_measuring_is_paid_for(often, patient):
    schedule = AdaptiveSchedule(work_units=1e4)
    _, history = fit(schedule, epochs=3)
    # Four groups of 2 samples on level 1, which is next, and 4 on level 2: 2 (5/16) + 4/16 each.
    assert [d.measuring for d in schedule.decisions] == [0.0, 3.5, 3.5]
    assert history["work_units"] == [2.0, 4.0 + 3.5, 6.0 + 7.0]


def test_measuring_takes_a_twentieth_of_the_work():
    schedule = AdaptiveSchedule(work_units=1000.0)
    _, history = fit(schedule)
    spent = sum(d.measuring for d in schedule.decisions)
    assert 0.0 < spent <= 0.05 * history["work_units"][-1]


@pytest.mark.parametrize("normalization", [None, keras.layers.BatchNormalization])
def test_a_telescoping_sum_where_it_is_known_to_be_cheaper(normalization):
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    hidden = normalization()(hidden) if normalization else hidden
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(hidden))
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    schedule = AdaptiveSchedule(work_units=2000.0)
    _, history = fit(schedule, model, dataset((16, 32)))
    last = schedule.decisions[-1]
    assert last.finest == 0
    spent = sum(d.measuring for d in schedule.decisions)
    assert spent <= 0.05 * history["work_units"][-1]  # batches are dear with batch statistics
    if normalization is None:  # smooth images: levels have nearly all in common
        assert len(last.batch_sizes) == 2
        assert last.batch_sizes[0] < 16


def test_short_runs_of_seconds_are_not_spent_on_measuring():
    schedule = AdaptiveSchedule(seconds=3.0)
    fit(schedule, data=dataset((1, 32)))
    assert all(not d.measuring for d in schedule.decisions)


def test_nothing_is_begun_that_the_seconds_left_do_not_pay_for():
    model = new_model()
    gauge = level_gauge.LevelGauge(model, dataset((16, 32)))
    last = level_gauge.FIRST_SECONDS
    assert gauge.affordable(1, 1e4, 0.0, (20.0 * last, 20.0 * last)) > 0
    assert gauge.affordable(1, 1e4, 0.0, (20.0 * last, 19.0 * last)) == 0
    assert gauge.affordable(1, 1e4, 0.0, (19.0 * last, 1e4)) == 0
    gauge.measure(1, 8, 1.0)
    assert len(gauge.batch_sizes(0)) == 2  # smooth images: levels have nearly all in common
    gauge.first_step = 1.0
    assert len(gauge.batch_sizes(0, seconds_left=40.0)) == 2
    assert gauge.batch_sizes(0, seconds_left=39.0) == (16,)


def test_stages_are_plain_if_the_dataset_is():
    gauge = level_gauge.LevelGauge(new_model(), dataset((16, 32), telescoping=False))
    gauge.measure(1, 8, 1.0)
    assert gauge.batch_sizes(0) == (16,)


def test_too_few_epochs_are_noticed():
    with pytest.warns(UserWarning, match="95% of the budget left.*epochs=1"):
        fit(AdaptiveSchedule(work_units=40.0), epochs=1)


def test_a_dataset_that_decides_by_itself_is_refused():
    data = keras_ms.MultiscaleDataset(
        small_images(), keras_ms.tasks.Denoising(), "auto", 32, steps_per_epoch=2
    )
    with pytest.raises(ValueError, match="levels='auto'"):
        fit(AdaptiveSchedule(work_units=10.0), data=data)


def test_measuring_does_not_change_training(often, patient):
    first, _ = fit(AdaptiveSchedule(work_units=1e4), epochs=3)
    plain = new_model()
    plain.fit(
        dataset(),
        epochs=3,
        verbose=0,
        callbacks=[keras_ms.FullMultiscaleSchedule((0, 0, 12), 4)],
    )
    for a, b in zip(first.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_level_is_left_when_validation_stalls():
    class Stalling(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = 1.0

    schedule = AdaptiveSchedule(work_units=1e4, patience=2)
    fit(schedule, epochs=8, callbacks=[Stalling()])
    assert [d.epoch for d in schedule.decisions] == [0, 3, 6]
    assert reasons(schedule)[1] == "val_loss has stopped to improve"


def test_the_same_seeds_give_the_same_decisions(often):
    first, second = AdaptiveSchedule(work_units=60.0), AdaptiveSchedule(work_units=60.0)
    one, _ = fit(first)
    other, _ = fit(second)
    assert len(first.decisions) > 3
    for a, b in zip(first.decisions, second.decisions, strict=True):
        assert (a.finest, a.batch_sizes, a.reason) == (b.finest, b.batch_sizes, b.reason)
        assert a.figures == b.figures
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class KilledError(Exception):
    pass


class Kill(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.at = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == self.at and batch == 1:
            raise KilledError

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


@pytest.mark.parametrize("epoch", [1, 4, 8])
def test_a_resumed_run_equals_an_uninterrupted_one(often, tmp_path, epoch):
    journal, backup = tmp_path / "journal.json", str(tmp_path / "backup")
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 1.0)

    def schedule():
        return AdaptiveSchedule(work_units=150.0, learning_rate=rate, journal=journal)

    whole = schedule()
    wanted, history = fit(whole)
    assert len({d.finest for d in whole.decisions}) == 3
    journal.unlink()
    with pytest.raises(KilledError):
        fit(schedule(), callbacks=[keras.callbacks.BackupAndRestore(backup), Kill(epoch)])
    again = schedule()
    got, resumed = fit(again, callbacks=[keras.callbacks.BackupAndRestore(backup)])
    for a, b in zip(wanted.get_weights(), got.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert resumed["work_units"][-1] == history["work_units"][-1]
    assert [d.stage for d in again.decisions] == [d.stage for d in whole.decisions]


def test_going_on_needs_the_journal(tmp_path):
    for journal in (None, tmp_path / "none.json"):
        schedule = AdaptiveSchedule(work_units=100.0, journal=journal)
        with pytest.raises(ValueError, match="goes on from its journal"):
            fit(schedule, epochs=8, initial_epoch=4)
    path = tmp_path / "journal.json"
    fit(AdaptiveSchedule(work_units=100.0, journal=path), epochs=2)
    with pytest.raises(ValueError, match="ends before the epoch"):
        fit(AdaptiveSchedule(work_units=100.0, journal=path), epochs=8, initial_epoch=4)


def test_the_journal_holds_every_decision_with_its_figures(often, tmp_path):
    path = tmp_path / "folder" / "journal.json"
    schedule = AdaptiveSchedule(work_units=60.0, journal=path)
    fit(schedule)
    content = json.loads(path.read_text())
    assert len(content["decisions"]) == len(schedule.decisions)
    second = content["decisions"][1]
    figures = {"squared_bias", "sampling_variance", "squared_gradient", "ratio"}
    assert set(second["figures"]) >= figures
    assert second["measured"]["finest"] == 1
    assert len(second["measured"]["found"]["variance"]) == 2


def test_learning_rate_follows_the_budget():
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate))

    rate = keras.optimizers.schedules.PolynomialDecay(1.0, 1.0, end_learning_rate=0.0)
    fit(AdaptiveSchedule(work_units=16.0, learning_rate=rate), callbacks=[Rates()])
    assert seen[:8] == [1.0] * 4 + [0.875] * 4
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_loss_scaling_optimizers_work(often, policy):
    keras.config.set_dtype_policy(policy)
    try:
        _, history = fit(AdaptiveSchedule(work_units=30.0, learning_rate=lambda share: 1e-3))
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.all(np.isfinite(history["loss"]))


def test_gradients_that_are_not_finite_keep_the_run_going(often):
    model = new_model()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    schedule = AdaptiveSchedule(work_units=30.0)
    fit(schedule, model)
    assert all(len(d.batch_sizes) == 1 for d in schedule.decisions)


def test_one_level_is_plain_training():
    schedule = AdaptiveSchedule(work_units=20.0)
    fit(schedule, data=dataset(levels=(4,)))
    assert [d.stage for d in schedule.decisions] == [(0, (4,))]


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


@pytest.mark.parametrize("journal", [3, "", ".", "README.md/journal.json"])
def test_journals_that_cannot_be_written_are_refused(journal):
    with pytest.raises(ValueError, match="`journal` is the path"):
        keras_ms.AdaptiveSchedule(work_units=10, journal=journal)


@pytest.mark.parametrize("monitor", [3, "", None])
def test_monitors_without_a_name_are_refused(monitor):
    with pytest.raises(ValueError, match="`monitor` is the name"):
        keras_ms.AdaptiveSchedule(work_units=10, monitor=monitor)


def test_two_schedules_in_one_fit_are_refused():
    full = keras_ms.FullMultiscaleSchedule((4, 4, 4), steps_per_epoch=4)
    with pytest.raises(ValueError, match="One schedule leads a `fit`"):
        fit(AdaptiveSchedule(work_units=50), callbacks=[full])


def test_a_monitor_that_validation_does_not_report_is_said_so():
    kept = Journal(None)
    with pytest.warns(UserWarning, match="monitor='val_nope', reported: val_loss"):
        kept.note_validation(0, {"loss": 1.0, "val_loss": 2.0}, "val_nope")
    kept.note_validation(1, {"val_loss": 2.0}, "val_nope")  # once is enough
    kept.note_validation(2, {"val_loss": 2.0}, "val_loss")
    assert kept.validations == [(2, 2.0)]
