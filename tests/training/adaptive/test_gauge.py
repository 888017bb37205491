"""What measuring adds to an adaptive run, if asked for."""

import contextlib
import json
import types

import keras
import numpy as np
import pytest
from adaptive_runs import Kill, KilledError, dataset, fit, new_model, reasons
from conftest import Blur, small_images

import keras_ms
from keras_ms import AdaptiveSchedule
from keras_ms.training.adaptive import gauge as level_gauge


@contextlib.contextmanager
def measuring_often():
    """Measures at every epoch, whatever it costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_gauge, "MEASURING_SHARE", 1e3)
        patch.setattr(level_gauge, "MOST_GROUPS", 4)
        yield


@pytest.fixture
def often():
    with measuring_often():
        yield


def scheduled(journal):
    rate = keras.optimizers.schedules.CosineDecay(1e-2, 1.0)
    return AdaptiveSchedule(measure=True, work_units=150.0, learning_rate=rate, journal=journal)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run through all levels that measures often, which several tests look at."""
    path = tmp_path_factory.mktemp("whole") / "folder" / "journal.json"
    schedule = scheduled(path)
    with measuring_often():
        model, history = fit(schedule)
    return types.SimpleNamespace(
        decisions=schedule.decisions,
        weights=model.get_weights(),
        work_units=history["work_units"][-1],
        journal=json.loads(path.read_text()),
    )


@pytest.fixture
def patient(monkeypatch):
    """Bears any bias."""
    monkeypatch.setattr(level_gauge.bias, "ALIGNED", 1e9)


def test_a_biased_coarse_gradient_is_left(often, monkeypatch):
    monkeypatch.setattr(level_gauge.bias, "ALIGNED", 0.0)

    class Backwards(keras_ms.tasks.Denoising):
        """On every mesh but the finest the target is the negative."""

        def pair(self, example):
            x, y = super().pair(example)
            return x, y if x.shape[1] == 32 else -y

    data = keras_ms.MultiscaleDataset(
        small_images(), Backwards(t_range=(0.99, 1.0)), (32, 64), 32, 4
    )
    schedule = AdaptiveSchedule(measure=True, work_units=1e4)
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
    schedule = AdaptiveSchedule(measure=True, work_units=1e4)
    fit(schedule, model, data, epochs=6)
    assert set(reasons(schedule)[1:]) == {"the coarse gradient serves"}
    assert {d.finest for d in schedule.decisions} == {1}


def test_measuring_is_paid_for(often, patient):
    schedule = AdaptiveSchedule(measure=True, work_units=1e4)
    _, history = fit(schedule, epochs=3)
    # Four groups of 2 samples on level 1, which is next, and 4 on level 2: 2 (5/16) + 4/16 each.
    assert [d.measuring for d in schedule.decisions] == [0.0, 3.5, 3.5]
    assert history["work_units"] == [2.0, 4.0 + 3.5, 6.0 + 7.0]


def test_measuring_takes_a_twentieth_of_the_work():
    schedule = AdaptiveSchedule(measure=True, work_units=1000.0)
    _, history = fit(schedule, data=dataset(steps=20))
    spent = sum(d.measuring for d in schedule.decisions)
    assert 0.0 < spent <= 0.05 * history["work_units"][-1]


@pytest.mark.parametrize("normalization", [None, keras.layers.BatchNormalization])
def test_a_telescoping_sum_where_it_is_known_to_be_cheaper(normalization):
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    hidden = normalization()(hidden) if normalization else hidden
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(hidden))
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    schedule = AdaptiveSchedule(measure=True, work_units=2000.0)
    _, history = fit(schedule, model, dataset((16, 32), steps=8))
    last = schedule.decisions[-1]
    assert last.finest == 0
    spent = sum(d.measuring for d in schedule.decisions)
    assert spent <= 0.05 * history["work_units"][-1]  # batches are dear with batch statistics
    if normalization is None:  # smooth images: levels have nearly all in common
        assert len(last.batch_sizes) == 2
        assert last.batch_sizes[0] < 16
        assert len(last.control_weights) == 1
        assert last.figures["relative_cost"] < 0.9
        assert str(last.batch_sizes[0]) in last.announced((32, 32))


def test_short_runs_of_seconds_are_not_spent_on_measuring():
    schedule = AdaptiveSchedule(measure=True, seconds=3.0)
    fit(schedule, data=dataset((1, 32)))
    assert all(not d.measuring for d in schedule.decisions)


def test_nothing_is_begun_that_the_seconds_left_do_not_pay_for():
    model = new_model()
    gauge = level_gauge.LevelGauge(model, dataset((16, 32)))
    last = level_gauge.FIRST_SECONDS
    for passed, left, affordable in ((20.0, 20.0, True), (20.0, 19.0, False), (19.0, 1e4, False)):
        spent = level_gauge.Spent(1e4, 0.0, (passed * last, left * last))
        assert bool(gauge.affordable(1, spent)) == affordable
    gauge.measure(1, 8, 1.0)
    found = gauge.allocation(0)
    assert len(found.batch_sizes) == 2  # smooth images: levels have nearly all in common
    gauge.first_step = 1.0
    assert gauge.allocation(0, seconds_left=40.0) == found
    assert gauge.allocation(0, seconds_left=39.0).batch_sizes == (16,)


def test_stages_are_plain_if_the_dataset_is():
    gauge = level_gauge.LevelGauge(new_model(), dataset((16, 32), telescoping=False))
    gauge.measure(1, 8, 1.0)
    assert gauge.allocation(0).batch_sizes == (16,)


def test_nothing_measured_is_nothing_to_allocate_by():
    found = level_gauge.LevelGauge(new_model(), dataset((16, 32))).allocation(0)
    assert found[:3] == ((16,), (), 1.0)


def test_measuring_does_not_change_training(often, patient):
    first, _ = fit(AdaptiveSchedule(measure=True, work_units=1e4), epochs=3)
    plain = new_model()
    plain.fit(
        dataset(),
        epochs=3,
        verbose=0,
        callbacks=[keras_ms.FullMultiscaleSchedule((0, 0, 12), 4)],
    )
    for a, b in zip(first.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_resumed_run_equals_an_uninterrupted_one(often, whole, tmp_path):
    journal, backup = tmp_path / "journal.json", str(tmp_path / "backup")
    assert len({d.finest for d in whole.decisions}) == 3
    killed, again = scheduled(journal), scheduled(journal)
    with pytest.raises(KilledError):
        fit(killed, callbacks=[keras.callbacks.BackupAndRestore(backup), Kill(4)])
    got, resumed = fit(again, callbacks=[keras.callbacks.BackupAndRestore(backup)])
    for a, b in zip(whole.weights, got.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert resumed["work_units"][-1] == whole.work_units
    # The same seeds give the same decisions, from the start and after going on.
    assert 3 < len(killed.decisions) < len(whole.decisions)
    for run in (killed, again):
        for a, b in zip(run.decisions, whole.decisions, strict=run is again):
            assert (a.stage, a.reason) == (b.stage, b.reason)
            assert a.figures == b.figures


def test_the_journal_holds_every_decision_with_its_figures(whole):
    content = whole.journal
    assert len(content["decisions"]) == len(whole.decisions)
    second = content["decisions"][1]
    figures = {"squared_bias", "sampling_variance", "squared_gradient", "ratio"}
    assert set(second["figures"]) >= figures
    assert second["measured"]["finest"] == 1
    assert len(second["measured"]["found"]["variance"]) == 2


def test_loss_scaling_optimizers_work(often):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        _, history = fit(
            AdaptiveSchedule(measure=True, work_units=30.0, learning_rate=lambda share: 1e-3)
        )
    finally:
        keras.config.set_dtype_policy("float32")
    assert np.all(np.isfinite(history["loss"]))


def test_gradients_that_are_not_finite_end_the_run(often):
    model = new_model()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    schedule = AdaptiveSchedule(measure=True, work_units=30.0)
    with pytest.raises(ValueError, match=r"not finite|has diverged.*Received: loss=nan on stage"):
        fit(schedule, model)
    gauge = level_gauge.LevelGauge(model, dataset((16, 32)))
    with pytest.raises(ValueError, match=r"AdaptiveSchedule measured what is not finite.*level 0"):
        gauge.measure(1, 2, 1.0)
