"""Checks that many modules share."""

import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms import validation


def test_switches_are_true_or_false_or_left_to_their_default():
    validation.true_or_false(flip=None, rotate=True, other=np.bool_(False))
    for wrong in (1, 0, "yes", [True]):
        with pytest.raises(ValueError, match=r"`flip` is True or False. Received: flip="):
            validation.true_or_false(rotate=True, flip=wrong)


def test_tensors_that_are_no_integers_are_no_counts():
    tensors = [tf.constant(value) for value in (5.0, True, "5", [5])]
    assert not any(map(validation.is_count, tensors))
    assert validation.positive_integers([tf.constant(5.0)]) == ()
    for wrong in (tensors[0], [tf.constant(5.0), 5], np.array(5), tf.constant(5), None, 5):
        assert validation.positive_integers(wrong) == ()
        with pytest.raises(ValueError, match="one count of steps per level"):
            keras_ms.FullMultiscaleSchedule(wrong)
    assert keras_ms.FullMultiscaleSchedule([tf.constant(5), np.uint8(0)]).iterations == (5, 0)


@pytest.mark.parametrize("value", [None, 5, np.int64(5), np.uint8(5), tf.constant(5)])
def test_counts_may_be_of_any_library(value):
    validation.none_or_positive(limit=value)


@pytest.mark.parametrize("value", [True, np.True_, 0, -1, 5.0, "5", [5]])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(ValueError, match=r"`limit` is None or 1 or more. Received: limit="):
        validation.none_or_positive(limit=value)


@pytest.mark.parametrize(("mean", "std"), [(1e300, 1.0), (0.0, 1e-50), (0.0, 1e39)])
def test_statistics_are_numbers_of_float32(mean, std):
    with pytest.raises(ValueError, match="`std` positive"):
        validation.checked_statistics(mean, std, 3)


def test_what_was_received_is_shown_short():
    photos = [np.zeros((64, 64, 3), "uint8")] * 30
    assert validation.shown(photos).startswith("[<ndarray of shape (64, 64, 3), uint8>, <ndar")
    assert len(validation.shown(photos)) < 700
    assert validation.shown(photos[:2]).count("shape (64, 64, 3)") == 2
    assert (
        validation.shown({"x": tf.zeros((9, 9))}) == "{'x': <EagerTensor of shape (9, 9), float32>}"
    )
    assert len(validation.shown("x" * 9999)) == len(validation.shown(object.__new__(Long))) == 200
    for short in (None, 3, "average", (4, 8, 16), {"y": "image"}, [1e-3, "a"], float("nan")):
        assert validation.shown(short) == repr(short)


class Long:
    def __repr__(self):
        return "long " * 99


@pytest.mark.parametrize(
    "call",
    [
        lambda photos: keras_ms.MultiscaleDataset(keras_ms.tasks.Denoising(), photos, (1, 2), 16),
        lambda photos: keras_ms.MultiscaleDataset(photos, keras_ms.tasks.Denoising(), photos, 16),
        lambda photos: keras_ms.MultiscaleDataset(photos, keras_ms.tasks.Denoising(), (1,), photos),
        lambda photos: keras_ms.Levels(photos),
        lambda photos: keras_ms.FullMultiscaleSchedule(photos),
        lambda photos: keras_ms.inference.load(photos),
        lambda photos: keras_ms.inference.restore(photos, photos[0]),
        lambda photos: keras_ms.networks.ResNet(width=photos),
        lambda photos: keras_ms.tasks.get(photos),
        lambda photos: keras_ms.data.FolderImages(photos),
        lambda photos: keras_ms.MultiscaleModel.from_model(photos),
        lambda photos: keras_ms.callbacks.PerStage(photos),
    ],
)
def test_no_error_holds_what_is_in_arrays(call):
    with pytest.raises(ValueError, match="Received: ") as error:
        call([np.zeros((32, 32, 3), "uint8")] * 20)
    assert len(str(error.value)) < 1000
    assert "[0, 0, 0]" not in str(error.value)
