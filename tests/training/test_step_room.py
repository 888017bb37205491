"""Steps that cannot fit in memory are refused before the first one."""

import keras
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.levels import Stage
from keras_ms.training import step_room


def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    return made


def test_a_step_that_does_not_fit_is_refused_naming_batches_and_mends(monkeypatch):
    # Of a sample of 32 x 32 pixels: 3 channels of the image and 4 of the hidden layer, as floats.
    needed = 2 * 32 * 32 * (3 + 4) * 4
    data, trained = pair_dataset(), model()
    monkeypatch.setattr(step_room, "available_bytes", lambda: float(needed))
    step_room.check_room(trained, data, (Stage(0, (2,)),))
    step_room.check_room(trained, data, (Stage(2, (32,)),))
    for stage in (Stage(0, (3,)), Stage(1, (9,)), Stage(0, (1, 4, 30))):
        with pytest.raises(ValueError, match=r"Received: levels with batch_sizes=.*remat=True"):
            step_room.check_room(trained, data, (stage,))


def test_fit_refuses_it_before_training(monkeypatch):
    monkeypatch.setattr(step_room, "available_bytes", lambda: 5e4)
    with pytest.raises(ValueError, match="A step does not fit in memory: the layers of 2 samples"):
        model().fit(pair_dataset(), verbose=0)


class Own(keras_ms.MultiscaleModel):
    def __init__(self):
        super().__init__()
        self.conv = keras.layers.Conv2D(3, 3, padding="same")

    def call(self, x):
        return self.conv(x)


def test_of_models_that_are_no_graphs_nothing_is_said(monkeypatch):
    monkeypatch.setattr(step_room, "available_bytes", lambda: 0.0)
    step_room.check_room(Own(), pair_dataset(), (Stage(0, (10**9,)),))
