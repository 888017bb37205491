"""Targets that are as large as an image, but that the network makes of images of any size."""

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.gradients.model_fits import check_model_fits
from keras_ms.gradients.target_roles import suited

layers = keras.layers


def random(*shape):
    return np.random.default_rng(0).random((12, *shape)).astype("float32")


def compiled(inputs, outputs, loss="mse"):
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile("sgd", loss)
    return model


def vector():
    """64 numbers of a signal of any length."""
    inputs = keras.Input((None, 4))
    return compiled(inputs, layers.Dense(64)(layers.GlobalAveragePooling1D()(inputs)))


def matrix(channels=(), loss="mse"):
    """A matrix of a picture of any size."""
    inputs = keras.Input((None, None, 3))
    hidden = layers.Dense(256 * (channels or (1,))[0])(layers.GlobalAveragePooling2D()(inputs))
    return compiled(inputs, layers.Reshape((16, 16, *channels))(hidden), loss)


def same(shape=(None, 4)):
    inputs = keras.Input(shape)
    return compiled(inputs, layers.Reshape((-1,))(layers.Conv1D(1, 1)(inputs)))


@pytest.mark.parametrize(
    ("make", "x", "y"),
    [
        (vector, random(64, 4), random(64)),
        (matrix, random(16, 16, 3), random(16, 16)),
        (matrix, random(32, 32, 3), random(16, 16)),
        (lambda: matrix((2,)), random(16, 16, 3), random(16, 16, 2)),
        (
            lambda: matrix((3,), "sparse_categorical_crossentropy"),
            random(16, 16, 3),
            np.zeros((12, 16, 16), "int32"),
        ),
    ],
)
def test_they_are_labels_and_stay_as_they_are(make, x, y):
    data = keras_ms.MultiscaleDataset((x, y), levels=(2, 4))
    model, before = make(), data.pair_spec(1)[1].shape
    data = suited(model, data)
    check_model_fits(model, data)
    assert before[1:] != y.shape[1:]
    assert data.pair_spec(1)[1].shape == (4, *y.shape[1:])
    leaf = data.pairs.leaves[-1]
    assert (leaf.role, "as large on every level" in leaf.reason) == ("label", True)
    assert str(leaf.reason) in str(data.describe())


@pytest.mark.parametrize("shape", [(None, 4), (64, 4)])
def test_outputs_that_follow_their_input_are_maps(shape):
    data = keras_ms.MultiscaleDataset((random(64, 4), random(64)), levels=(2, 4))
    assert suited(same(shape), data).pairs.leaves[-1].role == "image"


def test_what_is_said_is_believed_and_the_error_names_the_mend():
    x, y = random(64, 4), random(64)
    data = keras_ms.MultiscaleDataset((x, y), levels=(2, 4), roles={"y": "image"})
    data = suited(vector(), data)
    with pytest.raises(ValueError, match=r"on level 1.*roles=\{'y': 'label'\}"):
        check_model_fits(vector(), data)


class Subclassed(keras_ms.MultiscaleModel):
    """Nobody knows its outputs before it is built."""

    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(64)

    def call(self, x):
        return self.dense(keras.ops.mean(x, axis=1))


@pytest.mark.parametrize("roles", [None, {"y": "label"}])
def test_where_outputs_are_not_known_it_can_be_said(roles):
    model = Subclassed()
    model.compile("sgd", "mse", run_eagerly=True)
    options = {"levels": (2, 4), "steps_per_epoch": 1, "roles": roles}
    data = keras_ms.MultiscaleDataset((random(64, 4), random(64)), **options)
    if roles:
        assert np.isfinite(model.fit(data, verbose=0).history["loss"][0])
        return
    with pytest.raises(ValueError, match=r"on level 1.*roles=\{'y': 'label'\}"):
        model.fit(data, verbose=0)
