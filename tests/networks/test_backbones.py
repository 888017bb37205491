"""Encoders of other libraries as dense predictors: what is found, what is made, what is refused."""

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from keras_ms import networks
from keras_ms.networks.features import feature_levels

ANY = (None, None, 3)


def of_keras_applications():
    backbone = keras.applications.MobileNetV2(ANY, alpha=0.35, include_top=False, weights=None)
    return backbone, ("block_1_expand_relu", "block_3_expand_relu")


def of_keras_cv():
    import keras_cv

    backbone = keras_cv.models.ResNetBackbone(
        stackwise_filters=[64, 128],
        stackwise_blocks=[1, 1],
        stackwise_strides=[1, 2],
        block_type="basic_block",
        include_rescaling=False,
    )
    return backbone, ("P2", "P3")


def of_keras_hub():
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
    )
    return backbone, ("P2", "P3")


def ones_own(normalized=True):
    """A functional model that declares its levels as those of KerasHub do."""
    image = hidden = keras.Input(ANY)
    levels = {}
    for level in (1, 2, 3):
        hidden = keras.layers.Conv2D(4 * level, 3, 2, "same", name=f"down{level}")(hidden)
        if normalized:
            hidden = keras.layers.BatchNormalization(name=f"norm{level}")(hidden)
        hidden = levels[f"P{level}"] = keras.layers.ReLU(name=f"act{level}")(hidden)
    backbone = keras.Model(image, keras.layers.Conv2D(7, 1, name="last")(hidden))
    backbone.pyramid_outputs = levels
    return backbone, ("P1", "P3")


EVERY_KIND = pytest.mark.parametrize(
    "kind", [of_keras_applications, of_keras_cv, of_keras_hub, ones_own]
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def trained(network, steps=2):
    task = keras_ms.tasks.Denoising()
    dataset = keras_ms.MultiscaleDataset(small_images(), task, (1, 2), 32, steps_per_epoch=steps)
    model = keras_ms.MultiscaleModel(network.input, network.output)
    model.compile("adam", "mse")
    assert np.isfinite(model.fit(dataset, verbose=0).history["loss"][0])
    return model


@EVERY_KIND
def test_trains_on_levels_takes_odd_sizes_and_is_saved(kind, tmp_path):
    backbone, layers = kind()
    network = networks.from_backbone(backbone, 3, layers, width=4)
    assert network.output_shape == (None, None, None, 3)
    before = [np.copy(weight) for weight in network.trainable_weights]
    model = trained(network)
    moved = [np.any(a != b) for a, b in zip(before, network.trainable_weights, strict=True)]
    assert np.mean(moved) > 0.9
    for height, width in ((21, 30), (1, 7)):
        assert model(noise(2, height, width, 3)).shape == (2, height, width, 3)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(noise(1, 13, 9, 3)), model(noise(1, 13, 9, 3)))


@EVERY_KIND
def test_levels_are_found_at_every_stride(kind):
    backbone, _ = kind()
    found = feature_levels(backbone)
    strides = [2, 4, 8, 16, 32] if kind is of_keras_applications else [2, 4, 8]
    assert list(found) == strides
    sides = keras.Model(backbone.inputs[0], list(found.values()))(noise(1, 64, 96, 3))
    assert [side.shape[1:3] for side in sides] == [(64 // s, 96 // s) for s in strides]


def test_last_layers_at_each_stride_are_those_that_segmentation_takes():
    backbone, _ = of_keras_applications()
    assert [tensor.shape[-1] for tensor in feature_levels(backbone).values()] == [
        backbone.get_layer(name).output.shape[-1]
        for name in (
            "block_1_expand_relu",
            "block_3_expand_relu",
            "block_6_expand_relu",
            "block_13_expand_relu",
            "out_relu",
        )
    ]


def test_declared_levels_come_before_later_layers_at_their_stride():
    backbone, _ = ones_own()
    assert backbone.output.shape[-1] == 7
    assert [tensor.shape[-1] for tensor in feature_levels(backbone).values()] == [4, 8, 12]
    del backbone.pyramid_outputs
    assert [tensor.shape[-1] for tensor in feature_levels(backbone).values()] == [4, 8, 7]


@pytest.mark.smoke
def test_only_the_chosen_layers_are_used():
    backbone, _ = of_keras_cv()
    network = networks.from_backbone(backbone, 3, ("conv1_relu", "v2_stack_0_block1_out"), width=4)
    whole = networks.from_backbone(backbone, 3, width=4)
    encoders = [network.get_layer(backbone.name), whole.get_layer(backbone.name)]
    assert "v2_stack_1_block1_out" not in [layer.name for layer in encoders[0].layers]
    assert "v2_stack_1_block1_out" in [layer.name for layer in encoders[1].layers]


@pytest.mark.parametrize(
    ("name", "parameters"),
    # He et al.'s networks as every library counts them, less the 1000 classes' layer.
    [
        ("resnet18_encoder", 11_689_512 - 513_000),
        ("resnet50_encoder", 25_557_032 - 2_049_000),
    ],
)
def test_true_residual_networks_have_their_parameters(name, parameters):
    (encoder,) = (layer for layer in networks.get(name).layers if isinstance(layer, keras.Model))
    trainable = sum(np.prod(weight.shape) for weight in encoder.trainable_weights)
    assert trainable == parameters


def test_a_frozen_encoder_stays_and_the_decoder_learns():
    backbone, layers = ones_own()
    network = networks.from_backbone(backbone, 3, layers, width=4, freeze=True)
    before = [np.copy(weight) for weight in backbone.weights]
    decoder = network.get_layer("mesh1_conv").kernel
    first = np.copy(decoder)
    network.compile("adam", "mse")
    network.train_on_batch(noise(2, 16, 16, 3), noise(2, 16, 16, 3))
    for weight, value in zip(backbone.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)
    assert np.any(decoder != first)


@pytest.mark.smoke
@pytest.mark.parametrize("normalization", ["channel", "group", "layer", "none"])
def test_another_normalization_of_the_encoder_uncouples_the_samples(normalization):
    backbone, _ = ones_own()
    network = networks.from_backbone(backbone, 3, width=4, encoder_normalization=normalization)
    batch = noise(3, 16, 16, 3)
    together = network(batch, training=True)
    np.testing.assert_allclose(network(batch[1:2], training=True), together[1:2], atol=1e-5)
    encoder = network.get_layer(backbone.name)
    for name in ("down1", "down2", "down3"):
        ours, theirs = (model.get_layer(name).get_weights() for model in (encoder, backbone))
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_batch_normalization_stays_by_default():
    backbone, _ = ones_own()
    network = networks.from_backbone(backbone, 3, width=4)
    batch = noise(3, 16, 16, 3)
    alone, together = network(batch[1:2], training=True), network(batch, training=True)
    assert not np.allclose(alone, together[1:2], atol=1e-5)


def test_classes_of_every_pixel():
    backbone, layers = ones_own()
    network = networks.from_backbone(backbone, 5, layers, width=4, activation="softmax")
    made = network(noise(2, 11, 14, 3))
    assert made.shape == (2, 11, 14, 5)
    np.testing.assert_allclose(np.sum(made, axis=-1), 1.0, atol=1e-5)


def test_images_are_padded_by_zeros_and_results_cropped():
    backbone, _ = ones_own(normalized=False)
    network = networks.from_backbone(backbone, 3, width=4)
    image = noise(1, 13, 18, 3)
    padded = np.pad(image, ((0, 0), (0, 3), (0, 6), (0, 0)))
    # The last convolution comes after the crop, so it alone sees another border.
    wanted = network(padded)[:, :12, :17]
    np.testing.assert_allclose(network(image)[:, :12, :17], wanted, atol=1e-6)


def fixed_size():
    return keras.applications.MobileNetV2((64, 64, 3), 0.35, include_top=False, weights=None)


def without_padding():
    image = keras.Input(ANY)
    return keras.Model(image, keras.layers.Conv2D(4, 3, 2, "valid")(image))


def of_some_sizes():
    image = keras.Input(ANY)
    strided = keras.layers.Conv2D(4, 3, 2, "valid")(image)
    return keras.Model(image, strided + keras.layers.Conv2D(4, 1, 2)(image))


class Subclassed(keras.Model):
    def call(self, image):
        return image


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (fixed_size, {}, r"shape \(None, 64, 64, 3\).*input_shape=\(None, None, 3\)"),
        (Subclassed, {}, "functional model of one image"),
        (without_padding, {}, "No layer of the backbone"),
        (of_some_sizes, {}, r"refuses images of shape \(1, 512, 1024, 3\)"),
        (ones_own, {"layers": ("act1", "act9")}, r"unknown: \['act9'\].*'act1', 'act2', 'last'"),
        (ones_own, {"layers": ("act2", "act1")}, r"coarser one by one.*\('act2', 'act1'\)"),
        (ones_own, {"layers": ("down1", "act1")}, "coarser one by one"),
        (ones_own, {"layers": ()}, r"Received: layers=\(\)"),
        (ones_own, {"layers": "act1"}, "Received: layers='act1'"),
        (ones_own, {"outputs": 4, "residual": True}, "residual=True, outputs=4"),
        (ones_own, {"outputs": 0}, "outputs=0"),
        (ones_own, {"width": 0}, "width=0"),
        (ones_own, {"normalization": "batch"}, "normalization='batch'"),
        (ones_own, {"encoder_normalization": "batch"}, "normalization='batch'"),
    ],
)
def test_senseless_backbones_are_refused(make, options, message):
    made = make()
    backbone = made[0] if isinstance(made, tuple) else made
    with pytest.raises(ValueError, match=message):
        networks.from_backbone(backbone, **{"outputs": 3, **options})


@pytest.mark.parametrize("blocks", [(), (1, 0), (1, 1, 1, 1, 1)])
def test_senseless_residual_encoders_are_refused(blocks):
    with pytest.raises(ValueError, match="Received: blocks="):
        networks.ResNetEncoder(blocks=blocks)


def test_mobilenet_v2_is_a_network_by_name():
    options = {"outputs": 5, "alpha": 0.35, "width": 4, "conditional": True}
    network = keras_ms.networks.get("mobilenet_v2_encoder", **options)
    x = {"image": np.zeros((1, 21, 30, 3), "float32"), "noise_level": np.zeros((1, 1), "float32")}
    assert network(x).shape == (1, 21, 30, 5)
    with pytest.raises(ValueError, match="alpha=0"):
        keras_ms.networks.get("mobilenet_v2_encoder", alpha=0)
