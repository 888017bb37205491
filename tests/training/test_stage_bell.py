"""Levels that no step trains are told; runs in which all is meant are quiet."""

import keras
import numpy as np
import pytest

import keras_ms

X = np.zeros((8, 32, 32, 1), "float32")


def fit(levels, telescoping, callbacks=()):
    image = keras.Input((None, None, 1))
    model = keras_ms.MultiscaleModel(image, keras.layers.Conv2D(1, 3, padding="same")(image))
    model.compile("sgd", "mse")
    options = {"levels": levels, "steps_per_epoch": 1, "telescoping": telescoping}
    model.fit(keras_ms.MultiscaleDataset((X, X), **options), epochs=2, callbacks=callbacks)


def test_levels_that_train_nothing_are_told():
    with pytest.warns(UserWarning, match="2 coarser levels train nothing.*no schedule among"):
        fit((1, 2, 4), False)


@pytest.mark.parametrize(
    ("levels", "telescoping", "iterations"),
    [((4,), False, None), ((1, 2), True, None), ((1, 2), False, (1, 1)), ((1, 2), False, (2, 0))],
)
def test_runs_in_which_all_is_meant_are_quiet(levels, telescoping, iterations, recwarn):
    fit(levels, telescoping, [keras_ms.FullMultiscaleSchedule(iterations, 1)] if iterations else [])
    assert not [one for one in recwarn if "train nothing" in str(one.message)]
