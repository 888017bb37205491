"""Losses of `compile` that do not go with the outputs are refused in words, before training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset

import keras_ms

NAN = float("nan")


def of_two_outputs(named):
    inputs = keras.Input((None, None, 3))
    image = keras.layers.Conv2D(3, 3, padding="same", name="a")(inputs)
    number = keras.layers.Dense(1, name="b")(keras.layers.GlobalAveragePooling2D()(image))
    outputs = {"a": image, "b": number} if named else [image, number]
    return keras_ms.MultiscaleModel(inputs, outputs)


def dataset_of(named):
    x = np.random.default_rng(0).random((4, 16, 16, 3)).astype("float32")
    number = np.zeros((4, 1), "float32")
    y = {"a": x, "b": number} if named else (x, number)
    return keras_ms.MultiscaleDataset((x, y), levels=(1, 2), steps_per_epoch=1)


def fit(named, **compiled):
    model = of_two_outputs(named)
    model.compile("sgd", run_eagerly=True, **compiled)
    model.fit(dataset_of(named), verbose=0)


@pytest.mark.parametrize(
    ("named", "compiled", "said"),
    [
        (True, {"loss": {"a": "mse", "c": "mae"}}, r"loss=\{'a': 'mse', 'c': 'mae'\}"),
        (False, {"loss": {"a": "mse", "c": "mae"}}, r"outputs named \['a', 'b'\]"),
        (False, {"loss": ["mse"] * 3}, "an entry for every output"),
        (True, {"loss": {"a": "mse", "b": "mse"}, "loss_weights": 2.0}, "loss_weights=2.0"),
        (False, {"loss": ["mse", "mse"], "loss_weights": [1.0]}, r"loss_weights=\[1.0\]"),
        (True, {"loss": {"a": None, "b": None}}, "learns by its `loss`"),
        (False, {"loss": ["mse", "mse"], "loss_weights": [1.0, NAN]}, "finite numbers"),
        (True, {"loss": {"a": "mse", "b": "mse"}, "loss_weights": {"a": 1, "b": "x"}}, "finite"),
    ],
)
def test_losses_that_do_not_fit_are_refused(named, compiled, said):
    with pytest.raises(ValueError, match=f"Received: .*{said}|{said}.*Received: "):
        fit(named, **compiled)


def test_infinite_weights_of_one_loss_are_refused():
    model = keras_ms.MultiscaleModel.from_model(keras_ms.networks.ResNet(width=4, depth=1))
    model.compile("sgd", "mse", loss_weights=float("inf"))
    with pytest.raises(ValueError, match=r"Received: compile\(loss_weights=inf\)"):
        model.fit(pair_dataset((2, 4)), verbose=0)


def test_losses_of_some_outputs_and_weights_that_are_variables_train():
    fit(True, loss={"a": "mse"})
    fit(True, loss={"a": "mse", "b": "mse"}, loss_weights={"a": tf.Variable(2.0), "b": None})
