"""The network at half resolution: its size, its reach, its pixels."""

import numpy as np
import pytest

import keras_ms
from keras_ms.networks import HalfResNet, fitting


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def with_large_weights(model):
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(0.3 * rng.normal(size=weight.shape))
    return model


def test_the_default_has_the_parameters_of_the_prototype():
    assert HalfResNet().count_params() == 457_036


@pytest.mark.parametrize(("unshuffle", "depth", "least"), [(1, 2, 6), (2, 1, 8), (4, 1, 16)])
def test_how_far_it_looks(unshuffle, depth, least):
    model = HalfResNet(width=4, depth=depth, unshuffle=unshuffle)
    reach = keras_ms.inference.receptive_field(model)
    assert least <= reach <= least + unshuffle - 1


def test_unshuffled_pixels_come_back_by_the_shuffle():
    image = noise(2, 6, 8, 3)
    small = fitting.SubPixelUnshuffle(2)(image)
    np.testing.assert_array_equal(small[0, 1, 2], image[0, 2:4, 4:6].reshape(12))
    np.testing.assert_array_equal(fitting.SubPixelShuffle(2)(small), image)


@pytest.mark.parametrize("scale", [1, 2])
def test_odd_sides_are_padded_and_cropped(scale):
    model = with_large_weights(HalfResNet(width=4, depth=1, unshuffle=2, scale=scale))
    image = noise(1, 7, 9, 3)
    made = np.asarray(model(image))
    assert made.shape == (1, 7 * scale, 9 * scale, 3)
    padded = np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)))
    whole = np.asarray(model(padded))[:, : 7 * scale, : 9 * scale]
    end = -scale  # the bilinear enlargement looks one pixel over the cut
    np.testing.assert_allclose(made[:, :end, :end], whole[:, :end, :end], atol=1e-5)


def test_the_image_is_added_where_it_fits():
    image = noise(1, 6, 6, 3)
    np.testing.assert_allclose(HalfResNet(width=4, depth=1)(image), image, atol=0.05)
    logits = HalfResNet(width=4, depth=1, outputs=5)(image)
    assert logits.shape == (1, 6, 6, 5)
    with pytest.raises(ValueError, match="residual=True, outputs=5"):
        HalfResNet(width=4, outputs=5, residual=True)


def test_blocks_add_a_tenth():
    model = with_large_weights(HalfResNet(width=4, depth=1))
    other = HalfResNet(width=4, depth=1, branch_scale=1.0)
    other.set_weights(model.get_weights())
    second = other.get_layer("block0_conv2")
    for weight in second.weights:
        weight.assign(0.1 * weight)
    image = noise(1, 6, 6, 3)
    np.testing.assert_allclose(model(image), other(image), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), True, "0.1", None])
def test_a_senseless_scale_of_blocks_is_refused(scale):
    with pytest.raises(ValueError, match="branch_scale="):
        HalfResNet(width=4, depth=1, branch_scale=scale)


def test_pictures_in_tiles_have_no_seam():
    model = with_large_weights(HalfResNet(width=3, depth=1))
    picture = np.random.default_rng(1).integers(0, 256, (70, 90, 3)).astype("uint8")
    restorer = keras_ms.inference.prepare(model)
    whole = keras_ms.inference.restore(restorer, picture, tile=1000)
    in_tiles = keras_ms.inference.restore(restorer, picture, tile=restorer.least_tile + 32)
    np.testing.assert_allclose(whole, in_tiles, atol=1)


def test_senseless_sizes_are_refused():
    for options in ({"unshuffle": 0}, {"width": 0}, {"depth": 0}, {"channels": 0}, {"scale": 0}):
        name, value = next(iter(options.items()))
        with pytest.raises(ValueError, match=f"{name}={value}"):
            HalfResNet(**options)
