"""Targets whose values a loss does not take are refused before training."""

import functools
import itertools
import warnings

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.data.own_errors import batches_of
from keras_ms.gradients.target_roles import suited

RNG = np.random.default_rng(0)
X = RNG.random((5, 16, 16, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (5, 16, 16)).astype("uint8")
MASKS = (MAPS > 1).astype("uint8")[..., None]
SHADES = RNG.integers(0, 256, (5, 16, 16, 1)).astype("uint8")
SPARSE = keras.losses.SparseCategoricalCrossentropy
MANY = np.zeros((90, 16, 16, 3), "float32")
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


@pytest.mark.parametrize(
    ("y", "loss"),
    [
        (MASKS * 2, keras.losses.KLDivergence()),
        (MASKS * 255, "hinge"),
        (MASKS * -3.0, keras.losses.SquaredHinge()),
        (MASKS * 2, "categorical_hinge"),
        (MASKS * -1.0, "poisson"),
        (MASKS * -1.0, keras.losses.MeanSquaredLogarithmicError()),
        (MASKS * 255, functools.partial(keras.losses.binary_crossentropy, from_logits=True)),
    ],
)
def test_values_that_a_loss_would_clip_are_refused(y, loss):
    with pytest.raises(ValueError, match=r"targets lie .*\. Received: y of .* in example \d"):
        judged(y, loss, 1)


@pytest.mark.parametrize("y", [MAPS / 3.0, MAPS * 0.5])
def test_fractions_are_no_classes(y):
    with pytest.raises(ValueError, match=r"which are whole\. Received: y of float32, example \d"):
        judged(y.astype("float32"), SPARSE(), 3)


def late(values, at, wrong):
    y = np.resize(values, (len(MANY), *values.shape[1:]))
    y[at] = wrong
    return y


SHARES = (MASKS, "binary_crossentropy", 1, 255, "between 0 and 1")
CLASSES = (MAPS, SPARSE(from_logits=True), 3, 7, "Classes are numbers")
BY_PARTIAL = (MAPS, functools.partial(SPARSE().fn, from_logits=True), 3, 7, "Classes are numbers")
BY_HAND = (MAPS, lambda y, p: SPARSE()(y, p), 3, 7, "Classes are numbers that the loss takes")
FLOATS = (MAPS.astype("float32"), lambda y, p: SPARSE()(y, p), 3, 0.5, "held whole numbers alone")
UNSURE = (MASKS, lambda y, p: keras.ops.mean((y - p) ** 2), 1, SHADES[0], "It cannot be seen")


@pytest.mark.parametrize("at", [70, 89])
@pytest.mark.parametrize("case", [SHARES, CLASSES, BY_PARTIAL, BY_HAND, UNSURE])
def test_all_that_is_in_memory_is_looked_at(case, at):
    values, loss, outputs, wrong, message = case
    made = keras_ms.MultiscaleDataset((MANY, late(values, at, wrong)), levels=(1, 2))
    with pytest.raises(ValueError, match=message) as raised:
        suited(model(loss, outputs), made)
    assert f"example {at}" in str(raised.value) or case is UNSURE


@pytest.mark.parametrize("case", [SHARES, CLASSES, BY_HAND, FLOATS, UNSURE])
def test_what_comes_later_in_a_stream_ends_the_run_with_its_name(case):
    values, loss, outputs, wrong, message = case
    y = late(values, 70, wrong)

    def pairs():
        yield from zip(MANY, y, strict=True)

    made = suited(model(loss, outputs), keras_ms.MultiscaleDataset(pairs, levels=(1, 2)))
    with pytest.raises(ValueError, match=message) as raised:
        list(itertools.islice(batches_of(made), 40))
    assert "xample 70" in str(raised.value)


def test_another_loss_may_take_what_one_does_not():
    y = late(MASKS, 50, 3)
    made = keras_ms.MultiscaleDataset(
        lambda: zip(MANY, y, strict=True), levels=(4,), steps_per_epoch=15
    )
    with pytest.raises(ValueError, match="between 0 and 1"):
        model("binary_crossentropy", 1).fit(made, verbose=0)
    with pytest.raises(ValueError, match=r"between 0 and 1\. Received: .* in example 50"):
        suited(model("binary_crossentropy", 1), made)
    assert np.isfinite(model("mse", 1).fit(made, verbose=0).history["loss"][0])


def test_numbers_that_a_loss_of_ones_own_knows_are_its_own_affair():
    def leaves_out(y, p):
        known = keras.ops.cast(y < 3, "float32")
        return keras.ops.mean(known * SPARSE(reduction=None)(keras.ops.minimum(y, 2), p))

    assert judged(LATE, leaves_out, 3)["y"] == "class_map"


def test_classes_of_many_numbers_need_no_word_where_a_trial_tells():
    many = RNG.integers(0, 150, (5, 16, 16)).astype("uint8")
    assert judged(many, lambda y, p: SPARSE()(y, p), 150)["y"] == "class_map"


@pytest.mark.parametrize("high", [2, 30])
def test_a_box_of_integers_is_asked_about_under_a_loss_of_values(high):
    x = keras.Input((None, None, 3))
    net = keras_ms.MultiscaleModel(x, keras.layers.Dense(4)(keras.layers.GlobalMaxPooling2D()(x)))
    net.compile("sgd", "mse")
    made = keras_ms.MultiscaleDataset((X, RNG.integers(0, high, (5, 4))), levels=(1, 2))
    if high == 2:
        assert suited(net, made).describe().roles["y"] == "label"
        return
    with pytest.raises(ValueError, match=r"Pixel coordinates.*Received: y of shape \(4,\)"):
        suited(net, made)


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


def test_shares_of_floats_far_beyond_one_are_warned_of():
    shares = np.eye(3, dtype="float32")[MAPS]
    with pytest.warns(UserWarning, match=r"Under categorical_crossentropy .* from 0 to 255"):
        judged(255 * shares, "categorical_crossentropy", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        judged(shares, "categorical_crossentropy", 3)


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "mend"),
    [
        (MAPS, "categorical_crossentropy", 3, r"Use keras\.losses\.Sparse.*to_categorical\(y, 3\)"),
        (MAPS, keras.losses.CategoricalFocalCrossentropy(), 3, "Sparse"),
        (255 * (MAPS > 1), "categorical_crossentropy", 3, r"Use keras\.losses\.Sparse"),
        (MAPS[..., None], "binary_crossentropy", 1, "or keras.losses.Sparse.* an output a class"),
        (MAPS[..., None], keras.losses.Dice(), 3, "or keras.losses.Sparse.* an output a class"),
        (MASKS * 255, "binary_crossentropy", 1, "> 0.*or y / 255 of shades.$"),
        (
            np.repeat(MASKS * 255, 3, -1),
            "categorical_crossentropy",
            3,
            "> 0.*or y / 255 of shades.$",
        ),
    ],
)
def test_no_mend_joins_classes(y, loss, outputs, mend):
    with pytest.raises(ValueError, match=mend):
        judged(y, loss, outputs)
