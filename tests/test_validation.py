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
