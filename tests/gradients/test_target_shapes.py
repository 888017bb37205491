"""Targets that their losses do not take are refused by name, before a step is traced."""

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from keras_ms.gradients.model_fits import check_model_fits

X = small_images(6)
MASKS = (X[..., 0] > 0.5).astype("uint8")
LABELS = np.arange(6) % 3


def model(loss, kind="image", outputs=3):
    inputs = keras.Input((None, None, 3))
    image = keras.layers.Conv2D(outputs, 1)(inputs)
    number = keras.layers.Dense(outputs)(keras.layers.GlobalAveragePooling2D()(image))
    made = {"image": image, "number": number, "both": [image, number]}[kind]
    built = keras_ms.MultiscaleModel(inputs, made)
    built.compile("sgd", loss)
    return built


def data(target):
    return keras_ms.MultiscaleDataset((X, target), levels=(1, 2))


@pytest.mark.parametrize(
    ("loss", "kind", "target", "named"),
    [
        ("mse", "image", LABELS, r"y of shape \(1,\).*mean_squared_error"),
        (keras.losses.MeanAbsoluteError(), "image", LABELS, "mean_absolute_error"),
        ("mse", "number", X, r"y of shape \(1, 32, 32, 3\), an output of shape \(None, 3\)"),
        ("sparse_categorical_crossentropy", "number", MASKS, "sparse_categorical_crossentropy"),
        ("sparse_categorical_crossentropy", "image", LABELS, "sparse_categorical_crossentropy"),
        (keras_ms.losses.NegativeSSIM(), "image", LABELS, "negative_ssim"),
        (["mse", "mse"], "both", (X, X), r"y/1 of shape \(1, 32, 32, 3\)"),
        (["mse", "mse"], "both", X, r"2 outputs \(.*\), 1 targets \(y\)"),
        ("mse", "both", X, "2 outputs"),
        ("mse", "image", (X, X), r"1 outputs .*, 2 targets \(y/0, y/1\)"),
    ],
)
def test_targets_that_do_not_fit_are_refused(loss, kind, target, named):
    with pytest.raises(ValueError, match=named):
        check_model_fits(model(loss, kind), data(target))


def own(y, y_pred):
    return keras.ops.mean(y_pred) * keras.ops.mean(keras.ops.cast(y, "float32"))


@pytest.mark.parametrize(
    ("loss", "kind", "target"),
    [
        ("mse", "image", X),
        ("sparse_categorical_crossentropy", "image", MASKS),
        ("sparse_categorical_crossentropy", "image", MASKS[..., np.newaxis]),
        ("sparse_categorical_crossentropy", "number", LABELS),
        (own, "image", LABELS),
        (["mse", None], "both", (X,)),
        (["mse", "mse"], "both", (X, np.eye(3, dtype="float32")[LABELS])),
        (["mse", "mae"], "image", X),
    ],
)
def test_targets_that_fit_are_taken(loss, kind, target):
    check_model_fits(model(loss, kind), data(target))


def test_maps_without_an_axis_of_one_channel_fit_outputs_of_one():
    check_model_fits(model("mse", outputs=1), data(X[..., 0]))


ALL_CLASSES = (2.0 * X[..., 0]).round()  # floats


@pytest.mark.parametrize(
    ("loss", "kind", "target", "mend"),
    [
        ("mse", "image", X[..., 0], r"no axis of channels. Use keras.losses.Sparse.*y\[\.\.\., np"),
        ("binary_crossentropy", "image", X[..., 0], r"no axis of channels.* network of one output"),
        ("categorical_crossentropy", "image", ALL_CLASSES, r"to_categorical\(y, 3\) for a share"),
        ("mse", "number", X, "target is a map: leave out of the network what makes one number"),
        ("sparse_categorical_crossentropy", "number", MASKS, "target is a map: leave out"),
        ("mse", "image", LABELS, "Give a map as target"),
        ("sparse_categorical_crossentropy", "image", LABELS, "Give a map as target"),
    ],
)
def test_the_mend_goes_with_what_is_missing(loss, kind, target, mend):
    with pytest.raises(ValueError, match=mend):
        check_model_fits(model(loss, kind), data(target))
