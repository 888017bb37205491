"""Targets whose values a loss does not take are refused before training."""

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.gradients.target_roles import suited

RNG = np.random.default_rng(0)
X = RNG.random((5, 16, 16, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (5, 16, 16)).astype("uint8")
MASKS = (MAPS > 1).astype("uint8")[..., None]
SHADES = RNG.integers(0, 256, (5, 16, 16, 1)).astype("uint8")
SPARSE = keras.losses.SparseCategoricalCrossentropy
LATE = np.concatenate([MAPS[:4], MAPS[4:] + 9])


def model(loss, *outputs):
    x = keras.Input((None, None, 3))
    heads = [keras.layers.Conv2D(n, 1, name=f"head{n}")(x) for n in outputs]
    made = keras_ms.MultiscaleModel(x, heads[0] if len(heads) == 1 else heads)
    made.compile("sgd", loss)
    return made


def judged(y, loss, *outputs, **options):
    dataset = keras_ms.MultiscaleDataset((X, y), levels=(1, 2), **options)
    return suited(model(loss, *outputs), dataset).describe().roles


@pytest.mark.parametrize(
    ("y", "loss", "outputs"),
    [
        (MAPS + 1, SPARSE(from_logits=True), [3]),
        (LATE, SPARSE(from_logits=True), [3]),
        (LATE, SPARSE(from_logits=True, ignore_class=8), [3]),
        (MAPS.astype("float32") - 1, "sparse_categorical_crossentropy", [3]),
        (MASKS * 255, SPARSE(), [2]),
        (np.arange(5), SPARSE(), [4]),
        ((MASKS, MAPS), ["mse", SPARSE()], [1, 2]),
        ((MASKS, MAPS), {"head1": "mse", "head2": SPARSE()}, [1, 2]),
    ],
)
def test_numbers_that_are_no_classes_of_the_network_are_refused(y, loss, outputs):
    with pytest.raises(ValueError, match=r"Classes are numbers.*Received: y.*Use ignore_class"):
        judged(y, loss, *outputs)


@pytest.mark.parametrize(
    ("y", "loss"),
    [
        (MASKS * 255, "binary_crossentropy"),
        (MASKS * 255.0, keras.losses.BinaryFocalCrossentropy()),
        (MASKS * 2, keras.losses.Dice()),
        (MASKS * -1.0, keras.losses.Tversky()),
        (np.repeat(MASKS * 255, 2, -1), "categorical_crossentropy"),
    ],
)
def test_shades_are_refused_where_a_loss_wants_zero_and_one(y, loss):
    with pytest.raises(ValueError, match=r"between 0 and 1\. Received: y of .*Use \(y > 0\)"):
        judged(y, loss, y.shape[-1])


def test_integers_of_many_values_under_a_loss_of_ones_own_have_to_be_told():
    def own(y, p):
        return keras.ops.mean(keras.ops.abs(keras.ops.cast(y, p.dtype) - p), axis=(1, 2, 3))

    with pytest.raises(ValueError, match=r"Received: y of uint8 with .* values .* loss own\. Say"):
        judged(SHADES, own, 1)
    for role in ("image", "class_map"):
        assert judged(SHADES, own, 1, roles={"y": role})["y"] == role
    assert judged(MASKS, own, 1)["y"] == "class_map"


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "role"),
    [
        (MAPS, SPARSE(), 3, "class_map"),
        (np.where(MAPS == 2, 255, MAPS), SPARSE(ignore_class=255), 2, "class_map"),
        (np.where(MAPS == 2, -1, MAPS.astype("int32")), SPARSE(ignore_class=-1), 2, "class_map"),
        (MASKS, "binary_crossentropy", 1, "class_map"),
        (MASKS > 0, keras.losses.Dice(), 1, "class_map"),
        (3.0 * np.eye(3)[MAPS], "categorical_crossentropy", 3, "image"),  # classes with weights
        (SHADES, "poisson", 1, "image"),
        (SHADES, "mse", 1, "image"),
    ],
)
def test_values_that_fit_are_let_through(y, loss, outputs, role):
    assert judged(y, loss, outputs)["y"] == role
