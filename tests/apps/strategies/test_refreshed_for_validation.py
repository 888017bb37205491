"""Statistics of BatchNormalization in a run of a strategy: fine where somebody looks."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset

import keras_ms
from apps.experiment.settings import Settings
from apps.strategies.strategy import more_callbacks
from keras_ms.training import statistics


def test_statistics_are_refreshed_for_validations_and_nowhere_else(monkeypatch):
    refreshed = []
    real = statistics.refresh_statistics
    monkeypatch.setattr(
        statistics, "refresh_statistics", lambda *given: refreshed.append(real(*given))
    )
    image = keras.Input((None, None, 3))
    normalized = keras.layers.BatchNormalization(momentum=0.999)
    model = keras_ms.MultiscaleModel(image, normalized(image))
    model.compile("sgd", "mse")
    data = pair_dataset((1, 2), steps=1, telescoping=False)
    pair = next(iter(data.stage())).fine[0]
    assert more_callbacks(Settings()) == []
    model.fit(
        data,
        epochs=4,  # of which the second ends a stage
        callbacks=[
            keras_ms.FullMultiscaleSchedule((2, 2), 1),
            *more_callbacks(Settings(refresh_statistics=True)),
        ],
        validation_data=pair,
        validation_freq=4,
        verbose=0,
        rehearse=False,
    )
    assert refreshed == [1]
    # A momentum of 0.999 would have left nearly the first value, 0.
    assert np.mean(normalized.moving_mean) == pytest.approx(np.mean(pair[0]), abs=0.15)
    assert np.mean(normalized.moving_mean) > 0.2
