import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms import inference

IDENTITY = inference.Restorer(lambda pictures: pictures, receptive_field=8)
BYTES = np.random.default_rng(0).integers(0, 256, (12, 14, 3))
NOISY = BYTES / 255.0 + np.random.default_rng(1).normal(0, 55 / 255, BYTES.shape)


def with_one(value):
    picture = BYTES / 255.0
    picture[3, 4, 1] = value
    return picture


REFUSED = [
    (BYTES.astype("float32"), r"from 0 to 255. Are these 0 to 255\? Use uint8, or divide by 255"),
    (BYTES.astype("float16"), "divide by 255"),
    (-BYTES.astype("float64"), "from -255 to -?0"),
    (257.0 * BYTES, r"Are these 0 to 65535\? Use uint16, or divide by 65535"),
    (with_one(np.nan), "with 1 values that are NaN or Inf"),
    (with_one(-np.inf), "finite values"),
    (np.full((12, 14, 3), np.nan, "float32"), "with 504 values"),
    (BYTES.astype("int16"), r"Received: .* of int16, .*Use .astype\('uint8'\)"),
    (BYTES > 3, "of bool"),
    (BYTES[:0].astype("uint8"), "not empty"),
]


@pytest.mark.parametrize(("image", "message"), REFUSED)
def test_what_would_silently_be_made_white_or_nothing_is_refused(image, message):
    with pytest.raises(ValueError, match=message):
        inference.restore(IDENTITY, image)
    with pytest.raises(ValueError, match=message):
        IDENTITY(image[np.newaxis])
    with pytest.raises(ValueError, match=message):
        IDENTITY(tf.constant(image[np.newaxis]))


def test_a_model_that_was_loaded_or_prepared_refuses_it_too():
    network = keras_ms.networks.ResNet(width=4, depth=1)
    for model in (inference.load("denoising"), inference.prepare(network), network):
        with pytest.raises(ValueError, match="divide by 255"):
            inference.restore(model, BYTES.astype("float32"))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_noise_may_take_floats_out_of_the_range(dtype):
    noisy = NOISY.astype(dtype)
    assert noisy.min() < -0.3
    np.testing.assert_array_equal(inference.restore(IDENTITY, noisy), noisy)
    np.testing.assert_array_equal(IDENTITY(noisy[np.newaxis])[0], noisy)


def test_shapes_that_do_not_fit_are_refused_with_what_to_do():
    for image, message in [
        (BYTES[np.newaxis], "each image of a batch"),
        (BYTES[..., 0], r"np.repeat\(image\[..., np.newaxis\], 3, -1\)"),
        (BYTES[..., :1], r"np.repeat\(image, 3, -1\)"),
        (BYTES[..., :2], "an image of 3 channels"),
        ("photo.png", r"Received: an image of shape \(\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            inference.restore(IDENTITY, image)
    with pytest.raises(ValueError, match=r"shape \(12, 14, 3\). Use picture\[np.newaxis\]"):
        IDENTITY(BYTES.astype("uint8"))


def test_pictures_of_16_bits_are_for_restore():
    image = (257 * BYTES).astype("uint16")
    np.testing.assert_array_equal(inference.restore(IDENTITY, image), image)
    with pytest.raises(ValueError, match=r"of 16 bits, restore each by keras_ms.inference.restore"):
        IDENTITY(image[np.newaxis])


def test_masked_pixels_are_refused():
    image = np.ma.masked_greater(BYTES.astype("uint8"), 200)
    with pytest.raises(ValueError, match="Masked pixels have no value"):
        inference.restore(IDENTITY, image)
    whole = np.ma.MaskedArray(BYTES.astype("uint8"))
    np.testing.assert_array_equal(inference.restore(IDENTITY, whole), BYTES)


def test_within_a_graph_values_are_not_known():
    restore = tf.function(lambda pictures: IDENTITY(pictures))
    pictures = (BYTES / 255.0)[np.newaxis]
    np.testing.assert_array_equal(restore(pictures), pictures)
