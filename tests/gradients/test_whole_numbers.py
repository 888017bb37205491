"""Floating maps of whole numbers under a loss of one's own: classes, or values?"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, most_frequent
from keras import ops

import keras_ms
from keras_ms.gradients.target_roles import suited
from keras_ms.gradients.whole_numbers import casts, takes_classes

COUNT = 4
RNG = np.random.default_rng(0)
X = RNG.random((COUNT, 32, 32, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (COUNT, 32, 32)).astype("float32")


class OfClasses(keras.losses.Loss):
    """By hand, of the classes themselves."""

    def call(self, y, p):
        hot = ops.one_hot(ops.cast(y, "int32"), 3)
        return -ops.sum(hot * ops.log(p + 1e-6), axis=-1)


def of_known(y, p):
    """Pixels marked with 2 are unknown."""
    known = ops.cast(ops.not_equal(y, 2.0), "float32")
    return ops.mean(known * (ops.cast(ops.equal(y, 1.0), "float32") - p[..., 1]) ** 2)


def by_pixel(y, p):
    return ops.mean(keras.losses.sparse_categorical_crossentropy(y, p))


CLASSES = {
    "lambda": lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p),
    "logits": lambda y, p: keras.losses.sparse_categorical_crossentropy(y, p, from_logits=True),
    "mean": by_pixel,
    "object": OfClasses(),
    "comparison": of_known,
    "threshold": lambda y, p: ops.mean((ops.cast(y > 0.5, "float32") - p[..., 0]) ** 2),
    "tf": lambda y, p: tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(y, tf.int32), p),
}
VALUES = {
    "mse": lambda y, p: ops.mean((y - p[..., 0]) ** 2),
    "mae": lambda y, p: ops.mean(ops.abs(y - p[..., 0])),
    "relative": lambda y, p: ops.mean(ops.abs(y - p[..., 0]) / (y + 1.0)),
    "logarithms": lambda y, p: ops.mean((ops.log(y + 1.0) - ops.log(p[..., 0])) ** 2),
    "dice": lambda y, p: 1.0 - ops.sum(y * p[..., 0]) / (ops.sum(y) + ops.sum(p)),
    "clipped": lambda y, p: ops.mean((ops.clip(y, 0.0, 1.0) - p[..., 0]) ** 2),
}


@pytest.mark.parametrize("name", CLASSES)
def test_losses_that_take_classes(name):
    assert takes_classes(CLASSES[name], MAPS[0], 3)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("times", [1.0, 100.0])
def test_losses_of_values(name, times):
    assert takes_classes(VALUES[name], times * MAPS[0], 3) is False


def test_masks_in_one_band():
    mask = (MAPS[0] > 0).astype("float32")[..., None]
    assert takes_classes("binary_crossentropy", mask, 1) is False
    assert takes_classes("dice", mask, 1) is False
    assert takes_classes(lambda y, p: ops.mean(ops.cast(y > 0, "float32") * p), mask, 1)


def test_what_a_trial_cannot_tell():
    def failing(y, p):
        raise TypeError("not such tensors")

    assert takes_classes(failing, MAPS[0], 3) is None
    assert takes_classes(by_pixel, MAPS[0] + 7.0, 3) is None  # classes beyond the outputs
    assert takes_classes(by_pixel, 1e6 * MAPS[0], 3) is False


def test_variables_of_a_loss_are_left_alone():
    seen = tf.Variable(0.0)

    def counting(y, p):
        seen.assign_add(1.0)
        return by_pixel(y, p)

    assert takes_classes(counting, MAPS[0], 3)
    assert seen.numpy() == 0.0


def model(loss, cls=keras_ms.MultiscaleModel, outputs=3):
    inputs = keras.Input((None, None, 3))
    made = cls(inputs, keras.layers.Conv2D(outputs, 1, activation="softmax")(inputs))
    made.compile("sgd", loss)
    return made


def dataset(maps=MAPS, **options):
    return keras_ms.MultiscaleDataset(
        ({"image": X, "id": np.arange(COUNT)}, maps), None, (1, 2), steps_per_epoch=1, **options
    )


@pytest.mark.parametrize(
    ("loss", "halve"), [(by_pixel, most_frequent), (VALUES["mse"], block_mean)]
)
@pytest.mark.parametrize("maps", [MAPS, MAPS[..., None]])
def test_coarse_maps_are_what_the_loss_takes(loss, halve, maps):
    made = suited(model(loss), dataset(maps))
    x, y = next(iter(made.stage())).fine[1]
    wanted = halve(MAPS[..., None])[x["id"]]
    assert y.dtype == tf.float32
    np.testing.assert_allclose(np.reshape(y, wanted.shape), wanted, atol=1e-6)


def test_what_was_found_is_said_and_what_the_user_says_goes_before():
    found = suited(model(by_pixel), dataset())
    assert "y: class map 32x32 of float32 (whole numbers, which its loss" in str(found.describe())
    said = suited(model(by_pixel), dataset(roles={"y": "image"}))
    assert said.describe().roles["y"] == "image"


@pytest.mark.parametrize("maps", [np.repeat(MAPS[..., None], 3, -1), X])
def test_others_are_images_as_ever(maps):
    assert suited(model(by_pixel), dataset(maps)).describe().roles["y"] == "image"


@pytest.mark.parametrize("name", CLASSES)
def test_losses_that_cast_their_targets(name):
    assert casts(CLASSES[name], (32, 32), 3) is (name not in ("comparison", "threshold"))


@pytest.mark.parametrize("name", VALUES)
def test_losses_of_values_cast_nothing(name):
    assert not casts(VALUES[name], (32, 32), 3)


def test_losses_that_leave_their_targets_out_or_raise_cast_nothing():
    assert not casts(lambda y, p: ops.mean(p**2), (32, 32), 3)
    assert not casts(lambda y, p: ops.mean(y @ p), (32, 16), 3)


class Own(keras_ms.MultiscaleModel):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
        return by_pixel(y, y_pred)


def test_a_loss_that_cannot_be_asked_is_warned_of_unless_one_says_what_it_is():
    own = model(None, Own)
    with pytest.warns(UserWarning, match=r"y of float32 .* alone \(0, 1, 2\).*roles=.*class_map"):
        assert suited(own, dataset()).describe().roles["y"] == "image"
    for role in ("class_map", "image"):
        suited(own, dataset(roles={"y": role}))  # without a warning
    suited(own, dataset(np.minimum(MAPS, 1.0)))  # of a mask the mean is a share
    suited(own, dataset(np.floor(X * 255.0)[..., :1]))  # too many for classes
