"""What every network must do, whatever it is made of: one suite over the registry."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset

import keras_ms
from keras_ms import networks

SMALL = {
    "espcn": {"widths": (6, 4)},
    "half_resnet": {"width": 4, "depth": 1},
    "resnet": {"width": 4, "depth": 1},
    # The same network, deeper by their names.
    "resnet18": {"width": 4, "depth": 2},
    "resnet50": {"width": 4, "depth": 3},
    "resnet18_encoder": {"width": 4, "blocks": (1, 1)},
    "resnet50_encoder": {"width": 4, "blocks": (1, 1)},
    # Of the authors, who tell theirs the noise level.
    "paper_resnet": {"width": 4, "depth": 1, "conditional": False},
    "paper_unet": {"width": 4, "multipliers": (1, 2), "conditional": False},
    "paper_sr_resnet": {"width": 4, "depth": 1},
}
# Of keras.applications, slow to build: test_backbones tries from_backbone on one of these.
APPLICATIONS = {"mobilenet_v2_encoder"}
EVERY_NETWORK = pytest.mark.parametrize("name", sorted({*networks.names()} - APPLICATIONS))
# Deeper ones of the same functions: what takes long to compile is tried without them.
DEEPER = {"resnet18", "resnet50", "resnet50_encoder", "unet5", "paper_sr_resnet", "paper_unet"}
EVERY_FUNCTION = pytest.mark.parametrize(
    "name", sorted({*networks.names()} - DEEPER - APPLICATIONS)
)
NORMALIZED = pytest.mark.parametrize("name", ["resnet", "unet"])


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def small(name, **options):
    return networks.get(name, **{**SMALL.get(name, {"width": 4}), "scale": 1, **options})


def with_large_weights(model):
    """Random weights as large as trained ones: the small last layer would hide differences."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        value = 0.3 * rng.normal(size=weight.shape)
        weight.assign(np.abs(value) + 0.5 if "variance" in weight.name else value)
    return model


def test_the_networks_of_the_paper_are_in_the_registry():
    assert set(SMALL) <= set(networks.names())


@pytest.mark.parametrize(("name", "depth"), [("resnet18", 8), ("resnet50", 24)])
def test_names_of_deeper_networks_set_the_depth(name, depth):
    deep, wanted = networks.get(name, width=4), networks.get("resnet", width=4, depth=depth)
    assert deep.count_params() == wanted.count_params()


@EVERY_FUNCTION
def test_results_may_have_other_channels_than_images(name):
    if "outputs" not in networks.options(name):
        pytest.skip("its results are images")
    model = small(name, channels=2, outputs=5)
    assert model(noise(1, 8, 12, 2)).shape == (1, 8, 12, 5)
    with pytest.raises(ValueError, match="residual=True, outputs=5, images of 2 channels"):
        small(name, channels=2, outputs=5, residual=True)


@EVERY_NETWORK
@pytest.mark.parametrize(("scale", "conditional"), [(1, True), (2, False), (3, True)])
def test_takes_every_size_and_enlarges_it(name, scale, conditional):
    """Not every pair: noise levels come in before the first layer, scales after the last."""
    model = small(name, scale=scale, conditional=conditional)
    for height, width in ((16, 16), (1, 1), (7, 18)):
        image = noise(2, height, width, 3)
        level = np.full((2, 1), 0.5, "float32")
        x = {"image": image, "noise_level": level} if conditional else image
        assert model(x).shape == (2, height * scale, width * scale, 3)
    assert model.output_shape == (None, None, None, 3)


@EVERY_NETWORK
def test_saving_and_loading_keeps_the_function(name, tmp_path):
    model = with_large_weights(small(name, residual=True, conditional=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = {"image": noise(2, 9, 14, 3), "noise_level": noise(2, 1)}
    np.testing.assert_array_equal(loaded(x), model(x))


@EVERY_NETWORK
def test_every_weight_learns(name):
    model = with_large_weights(small(name, conditional=True))
    x = {"image": tf.constant(noise(4, 32, 32, 3)), "noise_level": tf.constant(noise(4, 1))}
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(x) ** 2)
    gradients = tape.gradient(loss, [weight.value for weight in model.trainable_variables])
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, weight.path
        assert np.any(gradient.numpy() != 0.0), weight.path


@EVERY_NETWORK
def test_residual_networks_begin_as_the_enlarged_image(name):
    image = noise(1, 12, 10, 3)
    for scale in (1, 2):
        made = small(name, scale=scale, residual=True)(image).numpy()
        wanted = tf.image.resize(image, (12 * scale, 10 * scale), "bilinear").numpy()
        np.testing.assert_allclose(made, wanted, atol=0.05)


@EVERY_NETWORK
def test_results_are_float32_under_mixed_precision(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        made = small(name, residual=True, scale=2)(noise(1, 8, 8, 3))
    finally:
        keras.config.set_dtype_policy("float32")
    assert made.dtype == tf.float32


@NORMALIZED
@pytest.mark.parametrize(
    ("normalization", "local"),
    [("channel", True), ("none", True), ("layer", False), ("group", False)],
)
def test_which_normalizations_couple_distant_pixels(name, normalization, local):
    model = with_large_weights(small(name, normalization=normalization))
    image = noise(1, 160, 16, 3)
    other = image.copy()
    other[:, 120:] += 1.0
    same = np.allclose(model(image)[:, :16], model(other)[:, :16], atol=1e-6)
    assert same is local


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_unet_in_every_dimension(dims):
    sides = (13, 6, 9)[:dims]
    model = networks.UNet(channels=2, width=2, spatial_dims=dims)
    assert model(noise(3, *sides, 2)).shape == (3, *sides, 2)


def test_unet_pads_by_zeros_and_crops():
    model = with_large_weights(networks.UNet(width=4, normalization="channel"))
    image = noise(1, 13, 18, 3)
    padded = np.pad(image, ((0, 0), (0, 3), (0, 2), (0, 0)))
    # The last convolution comes after the crop, so it alone sees another border.
    wanted = model(padded)[:, :12, :17]
    np.testing.assert_allclose(model(image)[:, :12, :17], wanted, atol=1e-5)


def test_unets_dropout_acts_in_training_only():
    model = with_large_weights(networks.UNet(width=4, dropout=0.5))
    image = noise(1, 8, 8, 3)
    np.testing.assert_array_equal(model(image), model(image, training=False))
    assert not np.allclose(model(image, training=True), model(image))


def test_sub_pixels_are_laid_out_as_shi_et_al_do():
    model = networks.ESPCN(channels=1, scale=2, widths=(2, 2))
    tail = model.get_layer("tail")
    tail.set_weights([np.zeros(tail.kernel.shape), np.arange(4.0)])
    np.testing.assert_array_equal(model(noise(1, 1, 1, 1))[0, ..., 0], [[0, 1], [2, 3]])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("unet", {"dropout": 1.0}, "Received: dropout=1.0"),
        ("unet", {"multipliers": (1, 0)}, r"multipliers\[1\]=0"),
        ("unet", {"multipliers": ()}, "Received: multipliers"),
        ("resnet", {"normalization": "batch"}, "Received: normalization='batch'"),
        ("resnet", {"scale": 2, "spatial_dims": 3}, "Received: scale=2, spatial_dims=3"),
        ("espcn", {"scale": 0}, "scale=0"),
        ("resnet101", {}, "Received: network='resnet101'"),
    ],
)
def test_senseless_networks_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        networks.get(name, **options)


@EVERY_FUNCTION
def test_trains_by_multiscale_gradient_estimation(name):
    network = small(name)
    model = keras_ms.MultiscaleModel(network.input, network.output)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(pair_dataset((1, 2)), verbose=0).history["loss"][0])


@EVERY_FUNCTION
def test_xla_compiles_training(name):
    made = small(name, scale=2, residual=True)
    model = keras.Model(made.input, made.output)
    model.compile("sgd", "mse", jit_compile=True)
    weights = model.get_weights()
    assert np.isfinite(model.train_on_batch(noise(2, 8, 8, 3), noise(2, 16, 16, 3)))
    assert any(np.any(a != b) for a, b in zip(weights, model.get_weights(), strict=True))


def test_networks_without_end_are_refused():
    with pytest.raises(ValueError, match=r"more than 1,000 blocks.* Received: depth=100000000\."):
        keras_ms.networks.ResNet(depth=10**8)
    with pytest.raises(ValueError, match=r"Received: width=1000000000000\."):
        keras_ms.networks.UNet(width=10**12)
    with pytest.raises(ValueError, match=r"Received: blocks=1000000002\."):
        keras_ms.networks.ResNetEncoder(blocks=(2, 10**9))
