"""Which loss a compiled one is: by what it is, not by what it is called."""

import functools

import keras
import pytest

import keras_ms
from keras_ms.gradients.losses_of_targets import kind_of, name_of, option_of

LOSSES = keras.losses
SPARSE = "sparse_categorical_crossentropy"


class Weighted(LOSSES.SparseCategoricalCrossentropy):
    def call(self, y, p):
        return 2.0 * super().call(y, p)


class Same(LOSSES.MeanSquaredError):
    pass


class Object:
    def __call__(self, y, p):
        return keras.ops.mean(y - p)


def sparse_l1(y, p):
    return keras.ops.mean(keras.ops.abs(y - p))


def mean_squared_error(y, p):
    return sparse_l1(y, p)


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("mse", "mean_squared_error"),
        ("bce", "binary_crossentropy"),
        (LOSSES.MeanSquaredError(name="sparse"), "mean_squared_error"),
        (LOSSES.MeanSquaredError, "mean_squared_error"),
        (LOSSES.mean_squared_error, "mean_squared_error"),
        (functools.partial(LOSSES.sparse_categorical_crossentropy, axis=-1), SPARSE),
        (functools.partial(functools.partial(LOSSES.huber), delta=2.0), "huber"),
        (LOSSES.SparseCategoricalCrossentropy(name="mine"), SPARSE),
        (Same(), "mean_squared_error"),
        (keras_ms.losses.NegativeSSIM(name="mine"), "negative_ssim"),
        (Weighted(), ""),
        (sparse_l1, ""),
        (mean_squared_error, ""),
        (functools.partial(sparse_l1), ""),
        (Object(), ""),
        (lambda y, p: y - p, ""),
    ],
)
def test_the_kind_of_a_loss(loss, kind):
    assert kind_of(loss) == kind


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        ("mse", "mean_squared_error"),
        (functools.partial(sparse_l1), "sparse_l1"),
        (Object(), "Object"),
        (Weighted(name="mine"), "mine"),
    ],
)
def test_every_loss_has_a_name_for_people(loss, name):
    assert name_of(loss) == name


def test_options_are_those_of_the_object_or_bound():
    bound = functools.partial(LOSSES.sparse_categorical_crossentropy, ignore_class=7)
    assert option_of(bound, "ignore_class", None) == 7
    assert option_of(functools.partial(bound), "ignore_class", None) == 7
    given = LOSSES.SparseCategoricalCrossentropy(ignore_class=3)
    assert option_of(given, "ignore_class", None) == 3
    assert option_of("mse", "ignore_class", None) is None
