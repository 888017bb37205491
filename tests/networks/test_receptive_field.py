"""The receptive field found by asking a network is the one that is computed by hand."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_ms
from keras_ms.inference import receptive_field


def conv(filters, size=3, **options):
    return layers.Conv2D(filters, size, padding="same", **options)


def sequential(*parts, channels=3):
    return keras.Sequential([keras.Input((None, None, channels)), *parts])


# 1 px for every 3x3 convolution, 2 for 5x5; dilated by 6, 6.
@pytest.mark.parametrize(
    ("parts", "by_hand"),
    [
        ((conv(4, 1),), 0),
        ((conv(4, activation="relu"), conv(1)), 2),
        ((conv(4, 5), layers.BatchNormalization(), conv(1)), 3),
        ((conv(2, (3, 5), dilation_rate=(1, 6)),), 12),
        ((conv(2, (12, 1)),), 6),  # five pixels before, six after
        ((layers.SpatialDropout2D(0.5), layers.MaxPooling2D(3, 1, padding="same")), 1),
        # A pixel of the fine mesh sees 1 pixel on, so coarse ones 1 pixel on, which see 1 on ...
        ((conv(4), layers.MaxPooling2D(), conv(4), layers.UpSampling2D(), conv(2)), 5),
    ],
)
def test_stock_networks(parts, by_hand):
    assert receptive_field(sequential(*parts)) == by_hand


def test_networks_of_ours():
    networks = keras_ms.networks
    for depth in (1, 3):  # 2 convolutions of 3x3 per block
        network = networks.ResNet(width=4, depth=depth, normalization="channel", conditional=True)
        assert receptive_field(network) == 2 * depth
    assert receptive_field(networks.ESPCN(scale=3, residual=True)) == 2 + 1 + 1


def test_weights_do_not_matter_nor_does_the_dtype_policy():
    parts = [conv(4, dtype="mixed_bfloat16", name=f"conv{i}") for i in range(4)]
    network = sequential(*parts)
    assert receptive_field(network) == 4
    network.set_weights([np.zeros_like(w) for w in network.get_weights()])
    assert receptive_field(network) == 4


# What the last pixels of a mesh see of the first, followed through every layer by hand.
@pytest.mark.parametrize(("multipliers", "by_hand"), [((1, 2), 13), ((1, 2, 4), 31)])
def test_unets(multipliers, by_hand):
    network = keras_ms.networks.UNet(width=4, multipliers=multipliers, normalization="channel")
    assert receptive_field(network) == by_hand


@pytest.mark.parametrize("spatial_dims", [1, 3])
def test_other_numbers_of_axes(spatial_dims):
    kind = {1: layers.Conv1D, 3: layers.Conv3D}[spatial_dims]
    image = keras.Input((*(None,) * spatial_dims, 1))
    network = keras.Model(image, kind(1, 3, padding="same")(kind(1, 5, padding="same")(image)))
    assert receptive_field(network) == 3


@pytest.mark.parametrize("normalization", ["layer", "group"])
def test_networks_that_couple_all_pixels_look_without_bound(normalization):
    network = keras_ms.networks.ResNet(width=8, depth=1, normalization=normalization)
    assert receptive_field(network) is None


def test_nothing_further_off_than_found_matters_at_any_phase_of_the_strides():
    network = keras_ms.networks.UNet(width=4, multipliers=(1, 2, 2), normalization="channel")
    rng = np.random.default_rng(0)
    network.set_weights([0.2 * rng.normal(size=w.shape) for w in network.get_weights()])
    radius = receptive_field(network)
    nearest = []
    first, second = rng.random((2, 1, 160, 32, 3)).astype("float32")
    for edge in range(64, 72):
        second[:, :edge] = first[:, :edge]
        differs = np.abs(network(first) - network(second)).max((0, 2, 3)) > 0.0
        nearest.append(edge - np.flatnonzero(differs)[0])
    assert max(nearest) <= radius  # the weights may hide the last pixels
    assert max(nearest) >= radius - 4
