"""Models whose files say something else than they do are refused when they are loaded."""

import json
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ms import inference
from keras_ms.inference import details, probing
from keras_ms.inference.details import Details


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """It looks 3 pixels far, through weights of which most are small."""
    image = keras.Input((None, None, 1))
    folder = tmp_path_factory.mktemp("exported") / "model"
    whole = layers.Conv2D(
        1, 7, padding="same", kernel_initializer=keras.initializers.Constant(0.02)
    )
    return inference.export(keras.Model(image, whole(image)), folder)["saved_model"]


def changed(exported, folder, **values):
    shutil.copytree(exported, folder / "model")
    path = folder / "model" / details.PLACE
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    return folder / "model"


TAMPERED = [
    ({"scale": 2}, "should enlarge pictures 2 times"),
    ({"scale": 64}, "should enlarge pictures 64 times"),
    ({"receptive_field": 2}, "said to look 2 pixels far, but looks 3"),
    ({"receptive_field": 0}, "said to look 0 pixels far, but looks 3"),
    ({"conditional": True}, "conditional=True"),
    ({"output": "raw"}, "returns uint8, but output='raw'"),
    ({"scale": 100_000}, "'scale' is 100000, not a whole number from 1 to 64"),
]


@pytest.mark.parametrize(("values", "message"), TAMPERED)
def test_a_file_that_says_something_else_is_refused(values, message, exported, tmp_path):
    with pytest.raises(ValueError, match=message):
        inference.load(changed(exported, tmp_path, **values))


@pytest.mark.parametrize("reach", [3, 4, 511, None])
def test_what_is_said_to_look_further_is_only_slower(reach, exported, tmp_path):
    loaded = inference.load(changed(exported, tmp_path, receptive_field=reach))
    assert loaded.receptive_field == reach


@pytest.mark.parametrize("part", ["saved_model.pb", "variables/variables.index"])
def test_a_damaged_model_is_refused(part, exported, tmp_path):
    folder = changed(exported, tmp_path)
    content = (folder / part).read_bytes()
    (folder / part).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="The model is damaged"):
        inference.load(folder)


def test_another_saved_model_is_refused(exported, tmp_path):
    folder = changed(exported, tmp_path)
    module = tf.Module()
    module.f = tf.function(lambda x: x, [tf.TensorSpec((3,))])
    tf.saved_model.save(module, str(tmp_path / "other"))
    shutil.copy(tmp_path / "other" / "saved_model.pb", folder)
    with pytest.raises(ValueError, match="not what it says it is"):
        inference.load(folder)


def identity(pictures, *level):
    return pictures


def strided(pictures):
    """Blocks of 4 x 4 pixels see each other, none sees another."""
    return tf.repeat(tf.repeat(tf.nn.avg_pool2d(pictures, 4, 4, "VALID"), 4, 1), 4, 2)


def coupled(pictures):
    return pictures - tf.reduce_mean(pictures, axis=(1, 2), keepdims=True)


def sideways(pictures):
    return pictures + tf.roll(pictures, 5, axis=2)


CASES = [
    (identity, Details(1, 0, False, "image"), None),
    (identity, Details(1, 0, True, "image"), None),
    (strided, Details(1, 3, False, "image"), None),
    (strided, Details(1, 2, False, "image"), "looks 3"),
    (coupled, Details(1, None, False, "image"), None),
    (coupled, Details(1, 511, False, "image"), "looks 5"),
    (sideways, Details(1, 4, False, "raw"), "looks"),
    (lambda x: x[:, 1:], Details(1, 0, False, "raw"), "came back"),
    (lambda x: x * np.nan, Details(1, 0, False, "raw"), "not finite"),
    (identity, Details(1, 0, False, "raw", ("#000000",) * 3), None),
    (identity, Details(1, 0, False, "raw", ("#000000",) * 2), "2 classes apart, but has 3 outputs"),
    (identity, Details(1, 0, False, "raw", ("#000000",) * 4), "4 classes apart, but has 3 outputs"),
    (lambda x: tf.repeat(x, 2, axis=1), Details(2, 0, False, "raw"), "came back"),
]


@pytest.mark.parametrize(("function", "told", "message"), CASES)
def test_models_are_asked_along_every_axis(function, told, message):
    if message is None:
        probing.check(function, told, 2, 3)
        return
    with pytest.raises(ValueError, match=message):
        probing.check(function, told, 2, 3)


@pytest.mark.parametrize("dims", [1, 3])
def test_other_numbers_of_axes(dims):
    def shifted(pictures):
        return pictures + tf.roll(pictures, 2, axis=dims)

    probing.check(identity, Details(1, 0, False, "raw"), dims, 2)
    with pytest.raises(ValueError, match="look 1 pixels far"):
        probing.check(shifted, Details(1, 1, False, "raw"), dims, 2)


def test_rows_anywhere_within_the_strides_are_asked():
    def seldom(pictures):
        """Every 16th pixel sees 6 pixels far, all others see themselves."""
        far = tf.cast(tf.range(tf.shape(pictures)[1]) % 16 == 13, tf.float32)
        return tf.where(far[:, None, None] > 0.0, tf.roll(pictures, 6, axis=1), pictures)

    probing.check(seldom, Details(1, 6, False, "raw"), 2, 3)
    with pytest.raises(ValueError, match="looks 6"):
        probing.check(seldom, Details(1, 5, False, "raw"), 2, 3)
