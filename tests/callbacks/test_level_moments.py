"""Variance and bias of the levels in the logs."""

import csv

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.callbacks import LevelMoments

NAMES = {f"{what}_level_{level}" for what in ("variance", "squared_bias") for level in (0, 1)}


@pytest.fixture(scope="module")
def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile(keras.optimizers.SGD(0.0), "mse")
    return made


def fit(model, *callbacks, epochs=2, **options):
    data = pair_dataset((1, 2), 1)
    options = {"verbose": 0, "rehearse": False, "epochs": epochs} | options
    return model.fit(data, callbacks=list(callbacks), **options).history


@pytest.mark.smoke
def test_they_are_logged_with_validations_and_change_nothing(model, tmp_path):
    path, x = tmp_path / "log.csv", small_images(1)
    before = model.get_weights()
    log = keras.callbacks.CSVLogger(path)
    history = fit(
        model, LevelMoments(), log, epochs=3, validation_data=(x, x), validation_freq=[2, 3]
    )
    assert history.keys() >= NAMES
    assert {len(history[name]) for name in NAMES} == {2}
    assert history["squared_bias_level_0"] == [0.0, 0.0]
    assert min(history["variance_level_0"]) > 0.0
    for mine, theirs in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["variance_level_1"] == "NA" for row in rows] == [True, False, False]


def test_an_adaptive_schedule_that_measures_logs_what_it_found(model, monkeypatch):
    monkeypatch.setattr("keras_ms.training.adaptive.gauge.MEASURING_SHARE", 1e3)
    schedule = keras_ms.AdaptiveSchedule(work_units=8.0, measure=True)
    history = fit(model, schedule, epochs=schedule.epochs)
    found = [decision.measured for decision in schedule.decisions if decision.measured]
    assert found
    logged = history["variance_level_0"]
    np.testing.assert_allclose(logged, [of["found"]["variance"][0] for of in found])


def test_other_data_are_refused_and_silence_is_noticed(model):
    x = small_images(1)
    with pytest.raises(ValueError, match="on a MultiscaleDataset"):
        model.fit(x, x, callbacks=[LevelMoments()], verbose=0)
    with pytest.warns(UserWarning, match="LevelMoments never looked at the model"):
        fit(model, LevelMoments(), epochs=1)
    with pytest.raises(ValueError, match="every=0"):
        LevelMoments(every=0)
