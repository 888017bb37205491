"""Odd numbers of `fit` are refused in words, before the first step."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset

import keras_ms

X = np.zeros((4, 16, 16, 3), "float32")


def compiled():
    model = keras_ms.MultiscaleModel.from_model(keras_ms.networks.ResNet(width=4, depth=1))
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("epochs", "initial_epoch") for value in (2.5, "2", None, -1)]
    + [("validation_freq", value) for value in (0, -1, "x", 1.5, None)]
    + [("validation_steps", value) for value in (0, -1, 1.5, "x")]
    + [("validation_batch_size", value) for value in (0, -1, 1.5, "x")]
    + [("callbacks", value) for value in (3, "x", [3], [None], object())],
)
def test_odd_numbers_are_refused_before_the_first_step(name, value):
    model = compiled()
    with pytest.raises(ValueError, match=f"`{name}`.* Received: {name}="):
        model.fit(pair_dataset((1, 2)), verbose=0, validation_data=(X, X), **{name: value})
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize(
    "kind",
    [
        keras_ms.FullMultiscaleSchedule,
        keras.callbacks.TerminateOnNaN,
        keras_ms.callbacks.Checkpoint,
    ],
)
@pytest.mark.parametrize("data", [lambda: (pair_dataset((1, 2)),), lambda: (X, X)])
def test_classes_of_callbacks_are_refused(kind, data):
    model = compiled()
    with pytest.raises(ValueError, match=rf"objects, not classes.*Use {kind.__name__}\(\.\.\.\)"):
        model.fit(*data(), verbose=0, callbacks=[keras.callbacks.TerminateOnNaN(), kind])
    assert int(model.optimizer.iterations) == 0


def test_numbers_of_numpy_and_lists_of_epochs_serve():
    history = compiled().fit(
        pair_dataset((1, 2)),
        epochs=np.int64(2),
        callbacks=[keras.callbacks.TerminateOnNaN()],
        validation_data=(X, X),
        validation_freq=[2],
        validation_batch_size=2,
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 1
