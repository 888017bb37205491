"""Validation data may weigh whole examples, as training data may."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms

RNG = np.random.default_rng(0)
X = RNG.random((5, 16, 16, 3)).astype("float32")
Y = RNG.random((5, 16, 16, 3)).astype("float32")
WEIGHTS = np.array([0.0, 1.0, 2.0, 0.5, 3.0], "float32")


def val_loss(model, validation):
    dataset = keras_ms.MultiscaleDataset((X, Y, WEIGHTS), levels=(1, 2), steps_per_epoch=1)
    fitted = model.fit(dataset, validation_data=validation, verbose=0)
    return fitted.history["val_loss"][-1]


def compiled(loss="mse"):
    model = keras_ms.MultiscaleModel.from_model(keras_ms.networks.ResNet(width=4, depth=1))
    model.compile(keras.optimizers.SGD(0.0), loss, run_eagerly=True)
    return model


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
@pytest.mark.parametrize("way", ["arrays", "list", "dataset"])
def test_every_example_is_weighed(shape, way):
    model, parts = compiled(), (X, Y, WEIGHTS.reshape(shape))
    given = {
        "arrays": parts,
        "list": list(parts),
        "dataset": tf.data.Dataset.from_tensor_slices(parts).batch(5),
    }
    each = np.mean((model.predict(X, verbose=0) - Y) ** 2, axis=(1, 2, 3))
    assert val_loss(model, given[way]) == pytest.approx(np.mean(WEIGHTS * each), rel=1e-4)


def test_maps_and_weights_that_fit_stay_as_they_are():
    model, weights = compiled(), np.ones((5, 16, 16), "float32")
    plain = val_loss(model, (X, Y))
    assert val_loss(model, (X, Y, weights)) == pytest.approx(plain, rel=1e-5)
