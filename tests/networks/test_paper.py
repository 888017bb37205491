"""The networks of the paper's authors, against NumPy where they differ from ours."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ms import networks
from keras_ms.networks import paper, paper_layers


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def of_kind(model, kind):
    return [layer for layer in model.layers if isinstance(layer, kind)]


PARAMETERS = {
    "paper_resnet": 597_699,
    "paper_unet": 2_537_187,
    "paper_sr_resnet": 1_622_503,
    "paper_sr_convnet": 69_603,
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_and_normalisation_are_those_of_the_authors_program(name):
    model = networks.get(name)
    assert model.count_params() == PARAMETERS[name]
    told = isinstance(model.input, dict)
    assert told is (name in ("paper_resnet", "paper_unet"))
    norms = of_kind(model, keras.layers.GroupNormalization)
    assert {norm.epsilon for norm in norms} == {1e-5}
    assert {(norm.groups, len(norm.weights)) for norm in norms} == {
        (16, 2) if name == "paper_unet" else (1, 0)
    }
    assert {layer.rate for layer in of_kind(model, keras.layers.Dropout)} == (
        {0.5} if name == "paper_unet" else set()
    )
    slopes = {layer.negative_slope for layer in of_kind(model, keras.layers.LeakyReLU)}
    assert slopes == (set() if name == "paper_unet" else {0.2})


def test_parameters_of_the_resnet_by_hand():
    convolution = 9 * 128 * 128 + 128
    embedding = (1 * 32 + 32) + (32 * 32 + 32) + (32 * 64 + 64)  # each block has its own
    ends = (3 * 128 + 128) + (128 * 3 + 3)
    assert ends + 2 * (2 * convolution + embedding) == PARAMETERS["paper_resnet"]
    assert paper.ResNet(conditional=False).count_params() == ends + 4 * convolution


def test_waves_are_sines_and_cosines_of_falling_frequencies():
    t = np.array([[0.3], [0.9]], "float32")
    frequencies = np.logspace(0, -4, 32)
    wanted = np.concatenate([np.sin(t * frequencies), np.cos(t * frequencies)], axis=1)
    np.testing.assert_allclose(paper_layers.waves(t, 32), wanted, atol=1e-6)


def test_half_of_the_field_is_learned():
    level = keras.Input((1,))
    model = keras.Model(level, paper_layers.time_field(level, 8, "x"))
    field = model(np.array([[0.5]], "float32")).numpy()
    assert field.shape == (1, 1, 1, 8)
    np.testing.assert_allclose(field[0, 0, 0, :4], paper_layers.waves([[0.5]], 2)[0], atol=1e-6)


def test_layer_norm_is_over_the_whole_image():
    image = keras.Input((None, None, 5))
    norm = keras.Model(image, paper_layers.layer_norm(image, "norm"))
    x = 3.0 * noise(2, 7, 6, 5) + 1.0
    mean, var = (f(x, axis=(1, 2, 3), keepdims=True) for f in (np.mean, np.var))
    np.testing.assert_allclose(norm(x), (x - mean) / np.sqrt(var + 1e-5), atol=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_attention_is_softmax_over_all_pixels(jit_compile):
    x = noise(2, 3, 4, 6)
    query, key, value = np.split(x.reshape(2, 12, 6).astype("float64"), 3, axis=-1)
    scores = np.exp(np.einsum("bic,bjc->bij", query, key) / np.sqrt(2.0))
    weights = scores / scores.sum(axis=-1, keepdims=True)
    wanted = np.einsum("bij,bjc->bic", weights, value).reshape(2, 3, 4, 2)
    attend = tf.function(paper_layers.SelfAttention(), jit_compile=jit_compile)
    np.testing.assert_allclose(attend(x), wanted, atol=1e-5)


def test_networks_begin_as_the_authors_do():
    """The unet at zero, the others small; those of super-resolution at the enlarged image."""
    x = {"image": noise(2, 12, 16, 3), "noise_level": np.ones((2, 1), "float32")}
    assert not np.any(paper.UNet(width=4)(x))
    made = paper.ResNet(width=8)(x).numpy()
    assert 0.0 < np.abs(made).max() < 0.05
    tail = paper.SRConvNet().get_layer("tail").get_weights()[0]
    assert 0.5e-3 < tail.std() < 2e-3
    kernel = paper.SRConvNet().get_layer("conv2").get_weights()[0].reshape(-1, 32)
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(32), atol=1e-5)


def test_halved_meshes_are_centred_on_every_second_pixel():
    model = paper.UNet(1, 2, (1, 2), conditional=False)
    down = keras.Model(model.get_layer("down1_pad").input, model.get_layer("down1").output)
    kernel = np.zeros((3, 3, 2, 2))
    kernel[1, 1] = np.eye(2)
    model.get_layer("down1").set_weights([kernel, np.zeros(2)])
    x = noise(1, 8, 6, 2)
    np.testing.assert_allclose(down(x), x[:, ::2, ::2], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("paper_resnet", {"depth": 0}, "depth=0"),
        ("paper_unet", {"dropout": 1.0}, "Received: dropout=1.0"),
        ("paper_unet", {"multipliers": ()}, r"Received: multipliers=\(\)"),
        ("paper_sr_convnet", {"width": 1}, "half_width=0"),
        ("paper_sr_resnet", {"outputs": 0, "residual": False}, "outputs=0"),
    ],
)
def test_senseless_networks_of_the_paper_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        networks.get(name, **options)
