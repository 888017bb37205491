import dataclasses

import keras
import numpy as np
import pytest
from keras import layers

import keras_ms
from keras_ms import inference
from keras_ms.inference import Restorer


def photo(*sides, channels=3):
    return np.random.default_rng(0).random((*sides, channels)).astype("float32")


def test_a_keras_model_restores_as_the_restorer_made_of_it():
    model = keras_ms.networks.ResNet(width=4, depth=1, normalization="channel")
    restorer = inference.prepare(model)
    assert (restorer.receptive_field, restorer.least_tile) == (2, 96)
    image = photo(100, 120)
    got = inference.restore(model, image, tile=96)
    np.testing.assert_allclose(got, inference.restore(restorer, image), atol=1e-5)
    by_hand = np.clip(0.5 * model((image[np.newaxis] - 0.5) / 0.5) + 0.5, 0.0, 1.0)[0]
    np.testing.assert_allclose(got, by_hand, atol=1e-5)


def test_the_noise_level_is_told():
    model = keras_ms.networks.ResNet(width=4, depth=1, normalization="none", conditional=True)
    rng = np.random.default_rng(0)
    model.set_weights([0.2 * rng.normal(size=w.shape) for w in model.get_weights()])
    restorer, image = inference.prepare(model), photo(100, 110)
    assert restorer.conditional
    whole = [inference.restore(restorer, image, noise_level=t) for t in (0.5, 0.9)]
    assert np.abs(whole[0] - whole[1]).max() > 1e-3
    tiled = inference.restore(restorer, image, tile=96, noise_level=0.5)
    np.testing.assert_allclose(tiled, whole[0], atol=1e-5)
    with pytest.raises(ValueError, match="needs `noise_level`"):
        inference.restore(restorer, image)
    with pytest.raises(ValueError, match=r"any other takes none. Received: noise_level=0.5"):
        inference.restore(inference.load("denoising"), image, noise_level=0.5)


def test_not_more_pixels_than_a_tile_has_go_through_the_model():
    calls = []

    def identity(pictures):
        calls.append(pictures.shape[1] * pictures.shape[2])
        return pictures

    restorer, image = Restorer(identity, receptive_field=8), photo(400, 300)
    np.testing.assert_array_equal(inference.restore(restorer, image, tile=128), image)
    assert len(calls) > 4
    assert max(calls) <= 128**2


def test_tiles_of_a_model_that_couples_all_pixels_are_announced():
    restorer = Restorer(lambda pictures: pictures)
    with pytest.warns(UserWarning, match="couples all pixels"):
        inference.restore(restorer, photo(200, 200), tile=160)
    inference.restore(restorer, photo(100, 200), tile=160)  # whole


IDENTITY = Restorer(lambda pictures: pictures, receptive_field=8)
REFUSED = [
    (photo(9, 9, channels=1), {}, r"Received: an image of shape \(9, 9, 1\)"),
    (photo(1, 9, 9), {}, "2 spatial axes"),
    (photo(9, 9).astype("int32"), {}, "Received: an image of int32"),
    (photo(0, 9), {}, "not empty"),
    (photo(9, 9), {"tile": 95}, r"sides of 96 pixels at least. Received: tile=95"),
    (photo(9, 9), {"tile": 1e3}, "positive integer"),
]


@pytest.mark.parametrize(("image", "options", "message"), REFUSED)
def test_what_does_not_fit_the_model_is_refused(image, options, message):
    with pytest.raises(ValueError, match=message):
        inference.restore(IDENTITY, image, **options)


@pytest.mark.parametrize("skip", [True, False])
def test_sizes_that_a_stock_network_cannot_take_are_refused_with_what_to_do(skip):
    image = keras.Input((None, None, 3))
    large = layers.UpSampling2D()(layers.MaxPooling2D()(image))
    restorer = inference.prepare(keras.Model(image, large + image if skip else large))
    assert inference.restore(restorer, photo(8, 6)).shape == (8, 6, 3)
    with pytest.raises(ValueError, match="crop the image to a multiple of its strides"):
        inference.restore(restorer, photo(9, 6))


def test_models_that_come_along_are_loaded_by_name():
    assert inference.names() == keras_ms.tasks.names()
    for name in inference.names():
        restorer = inference.load(name)
        assert restorer.scale == (2 if name == "super_resolution" else 1)
        assert restorer.receptive_field in (14, 29)
        assert not restorer.conditional


@pytest.mark.parametrize("model", [None, 3, "denoising"])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(ValueError, match=r"Use keras_ms.inference.load"):
        inference.restore(model, np.zeros((20, 24, 3), np.float32))


@pytest.mark.parametrize("model", [None, 3, ["denoising"]])
def test_models_are_loaded_by_name_or_path(model):
    with pytest.raises(ValueError, match="by name or from a folder"):
        inference.load(model)


def test_strides_that_are_larger_than_the_probe_are_refused():
    inputs = keras.Input((None, None, 3))
    small = keras.layers.MaxPool2D(64, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.UpSampling2D(64)(small))
    with pytest.raises(ValueError, match="strides of at most 32 pixels"):
        inference.prepare(model)


def test_unknown_models_are_refused(tmp_path):
    for unknown in ("painting", tmp_path, tmp_path / "denoising"):
        with pytest.raises(ValueError, match=r"no exported model. .* Use one of \('deblurring'"):
            inference.load(unknown)


def test_what_is_there_in_place_of_a_model_is_named(tmp_path):
    network = keras_ms.networks.ResNet(width=4, depth=1)
    network.save(tmp_path / "m.keras")
    with pytest.raises(
        ValueError, match=r"a file of Keras\. Use keras_ms.inference.prepare\(keras"
    ):
        inference.load(tmp_path / "m.keras")
    with pytest.raises(ValueError, match=r"missing\.keras'\. Use one of"):
        inference.load(tmp_path / "missing.keras")
    (tmp_path / "model.onnx").touch()
    with pytest.raises(ValueError, match=r"onnx', a file and no folder\. Use one of"):
        inference.load(str(tmp_path / "model.onnx"))
    network.export(tmp_path / "other", verbose=False)
    with pytest.raises(ValueError, match=r"a SavedModel that keras_ms.inference.export did not"):
        inference.load(tmp_path / "other")


def test_a_restorer_says_what_it_is_of():
    restorer = inference.load("super_resolution")
    names = [field.name for field in dataclasses.fields(restorer) if field.name != "function"]
    assert {name: getattr(restorer, name) for name in names} == {
        "spatial_dims": 2,
        "channels": 3,
        "scale": 2,
        "receptive_field": 14,
        "conditional": False,
        "output": "image",
        "classes": None,
    }


@pytest.mark.parametrize("shape", [(20, 30, 3), (200, 210, 3)])
def test_images_of_16_bits_are_restored_in_16_bits(shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 65536, shape).astype(np.uint16)
    half = inference.Restorer(lambda pictures: pictures / 2, receptive_field=8)
    got = inference.restore(half, image, tile=160)
    assert (got.shape, got.dtype) == (shape, np.uint16)
    np.testing.assert_allclose(got, image / 2, atol=0.51)
