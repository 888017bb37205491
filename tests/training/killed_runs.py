"""Runs that end as a kill would end them, and what goes on from what they saved."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net

import keras_ms
from keras_ms.callbacks import Checkpoint

STEPS = 5
ITERATIONS = (10, 15)  # of levels 0 and 1: three coarse epochs, two fine ones
EPOCHS = 5


class KilledError(Exception):
    pass


class KillAfter(keras.callbacks.Callback):
    """Ends a run after so many of its steps, as a kill would: nothing is tidied up."""

    several_steps_safe = True

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) >= self.steps:
            raise KilledError


def dropout_net():
    inputs, hidden = small_net()
    hidden = keras.layers.Dropout(0.5)(keras.layers.Conv2D(4, 3, padding="same")(hidden))
    return inputs, keras.layers.Conv2D(3, 1)(hidden)


def fitted(
    *callbacks, net=dropout_net, data=None, optimizer=None, iterations=ITERATIONS, **options
):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*net())
    rate = keras.optimizers.schedules.CosineDecay(1e-2, sum(ITERATIONS), alpha=0.1)
    model.compile(optimizer or keras.optimizers.Adam(rate), "mse", metrics=["mae"])
    options = {"epochs": EPOCHS, "verbose": 0, "rehearse": False, "group_steps": False} | options
    schedule = keras_ms.FullMultiscaleSchedule(iterations, STEPS)
    data = data or pair_dataset((2, 4), STEPS)
    history = model.fit(data, callbacks=[schedule, *callbacks], **options).history
    return model, history


def killed(folder, steps, every=0.0, **options):
    with pytest.raises(KilledError):
        fitted(KillAfter(steps), Checkpoint(folder, every), **options)


def assert_equal(weights, wanted):
    """To the last bit."""
    for mine, theirs in zip(weights, wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)
