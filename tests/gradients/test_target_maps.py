"""Targets of which the network's output tells whether they are maps."""

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.gradients.target_roles import suited

RNG = np.random.default_rng(0)
X = RNG.random((4, 32, 2)).astype("float32")
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network(strides=1, pooled=0, outputs=3, loss=SPARSE):
    x = keras.Input((None, 2))
    y = keras.layers.Conv1D(outputs, 3, strides=strides, padding="same")(x)
    if pooled:
        y = keras.layers.Dense(pooled * outputs)(keras.layers.GlobalAveragePooling1D()(y))
        y = keras.layers.Reshape((pooled, outputs))(y)
    model = keras_ms.MultiscaleModel(x, y)
    model.compile("sgd", loss)
    return model


def data(y):
    return keras_ms.MultiscaleDataset((X, y), levels=(1, 2), steps_per_epoch=1)


def classes(length):
    return RNG.integers(0, 3, (4, length))


def test_a_row_of_classes_is_a_map_where_the_network_returns_one():
    made = data(classes(16))
    assert made.describe().roles["y"] == "label"
    seen = suited(network(strides=2), made)
    assert seen.describe().roles["y"] == "class_map"
    assert [seen.pair_spec(level)[1].shape[1:] for level in (0, 1)] == [(16,), (8,)]
    assert np.isfinite(network(strides=2).fit(made, verbose=0).history["loss"][0])
    values = RNG.random((4, 16)).astype("float32")
    of_values = suited(network(strides=2, outputs=1, loss="mse"), data(values))
    assert of_values.describe().roles["y"] == "image"


def test_a_row_of_labels_stays_one_where_the_network_returns_as_many_on_every_level():
    seen = suited(network(pooled=16), data(classes(16)))
    assert seen.describe().roles["y"] == "label"


def test_a_row_of_another_length_is_refused_before_the_first_step():
    with pytest.raises(ValueError, match=r"incompatible sizes on level 0.*\(1, 32, 3\).*\(1, 16\)"):
        network().fit(data(classes(16)), verbose=0)
