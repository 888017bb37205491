import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ms.networks import ResNet


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("size", [(16, 16), (9, 13), (1, 1), (64, 7)])
def test_one_network_takes_every_size(size):
    model = ResNet(width=4)
    assert model(noise(2, *size, 3)).shape == (2, *size, 3)
    assert model.input_shape == (None, None, None, 3)


@pytest.mark.parametrize(("dims", "size"), [(1, (17,)), (2, (8, 11)), (3, (5, 6, 7))])
@pytest.mark.parametrize("conditional", [False, True])
def test_every_dimension_blind_or_conditional(dims, size, conditional):
    model = ResNet(channels=2, width=4, depth=1, spatial_dims=dims, conditional=conditional)
    image = noise(3, *size, 2)
    x = {"image": image, "noise_level": np.full((3, 1), 0.5, "float32")} if conditional else image
    assert model(x).shape == image.shape


def test_parameter_count_by_hand():
    head = 3 * 128 + 128
    convolution = 9 * 128 * 128 + 128
    block = 2 * convolution + 2 * 128  # normalisation: a scale and an offset per channel
    tail = 128 * 3 + 3
    assert head + 2 * block + tail == 591_747
    assert ResNet(channels=3, width=128, depth=2).count_params() == 591_747
    assert ResNet().count_params() == 591_747  # the paper's network is the default
    embedding = 16 * 128 + 128
    assert ResNet(conditional=True).count_params() == 591_747 + 2 * embedding


def test_counts_grow_with_depth_and_fall_with_dimension():
    def by_hand(channels, width, depth, taps):
        block = 2 * (taps * width * width + width) + 2 * width
        return channels * width + width + depth * block + width * channels + channels

    assert ResNet(1, 6, 3).count_params() == by_hand(1, 6, 3, 9)
    assert ResNet(2, 6, 2, spatial_dims=1).count_params() == by_hand(2, 6, 2, 3)
    assert ResNet(2, 6, 1, spatial_dims=3).count_params() == by_hand(2, 6, 1, 27)


def test_initial_output_is_small_because_the_last_weights_are():
    model = ResNet()
    kernel, bias = model.get_layer("tail").get_weights()
    glorot = np.sqrt(6.0 / (128 + 3))
    assert 0.9e-3 * glorot < np.abs(kernel).max() <= 1e-3 * glorot
    assert np.all(bias == 0.0)
    output = model(noise(2, 16, 16, 3)).numpy()
    assert 0.0 < np.abs(output).max() < 0.02


def test_normalisation_is_over_the_whole_image():
    model = ResNet(width=8)
    normalised = keras.Model(model.input, model.get_layer("block0_norm").output)
    hidden = normalised(7.0 * noise(2, 12, 20, 3) + 3.0).numpy()
    np.testing.assert_allclose(hidden.mean(axis=(1, 2, 3)), 0.0, atol=1e-4)
    np.testing.assert_allclose(hidden.std(axis=(1, 2, 3)), 1.0, atol=1e-2)
    assert np.any(np.abs(hidden.mean(axis=(1, 2))) > 0.05)  # not channel by channel


def test_leaky_slope_is_a_fifth():
    activation = ResNet(width=4).get_layer("block1_act")
    np.testing.assert_allclose(activation(np.array([-1.0, 2.0], "float32")), [-0.2, 2.0])


def test_noise_level_matters_and_each_sample_has_its_own():
    model = ResNet(width=8, conditional=True)
    image = np.repeat(noise(1, 8, 8, 3), 2, axis=0)

    def output(*levels):
        return model({"image": image, "noise_level": np.array([levels], "float32").T}).numpy()

    same, mixed = output(0.3, 0.3), output(0.3, 0.8)
    np.testing.assert_allclose(same[0], same[1], atol=1e-6)
    np.testing.assert_allclose(mixed[0], same[0], atol=1e-6)
    assert np.abs(mixed[1] - mixed[0]).max() > 1e-4


def test_works_in_a_graph_of_unknown_sizes():
    model = ResNet(width=4)
    traced = tf.function(model, input_signature=[tf.TensorSpec((None, None, None, 3))])
    for shape in ((1, 8, 8, 3), (2, 5, 9, 3)):
        np.testing.assert_allclose(traced(noise(*shape)), model(noise(*shape)), atol=1e-6)


@pytest.mark.parametrize(
    "options", [{"channels": 0}, {"width": -1}, {"depth": 0}, {"spatial_dims": 4}]
)
def test_senseless_sizes_are_refused_with_what_was_received(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"Received: .*{name}={value}"):
        ResNet(**options)


@pytest.mark.parametrize("conditional", [False, True])
def test_mixed_precision_computes_in_bfloat16_and_answers_in_float32(conditional):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = ResNet(width=4, conditional=conditional)
    finally:
        keras.config.set_dtype_policy(before)
    image = noise(2, 8, 8, 3)
    x = {"image": image, "noise_level": np.ones((2, 1), "float32")} if conditional else image
    assert model.get_layer("block0_conv1").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model(x).dtype == tf.float32
