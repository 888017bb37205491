import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.inference import tiling
from keras_ms.inference.receptive_field import ALIGNMENT, reach

NETWORKS = {
    "resnet": {"width": 4, "depth": 2, "normalization": "channel"},
    "unet": {"width": 4, "normalization": "channel", "multipliers": (1, 2)},
    "espcn": {"scale": 2},
}


def pictures_model(name, **options):
    keras.utils.set_random_seed(1)
    network = keras_ms.networks.get(name, **{**NETWORKS[name], **options})
    rng = np.random.default_rng(0)
    network.set_weights([0.2 * rng.normal(size=w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(200, 331), (97, 512), (130, 129)])
def test_tiled_equals_untiled(name, size):
    model = pictures_model(name)
    picture = np.random.default_rng(0).random((*size, 3)).astype("float32")
    scale = NETWORKS[name].get("scale", 1)
    whole = tiling.restore(picture, model, scale, None, max_pixels=10**9)
    calls = []

    def counted(tile):
        calls.append(tile.shape[1] * tile.shape[2])
        return model(tile)

    distance = reach(model)
    least = tiling.least_pixels(distance)
    tiled = tiling.restore(picture, counted, scale, distance, max_pixels=least)
    assert len(calls) > 1
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


def test_memory_bound_is_kept_where_the_overlap_lets_it():
    calls = []

    def identity(tile):
        calls.append(tile.shape[1] * tile.shape[2])
        return tile

    picture = np.random.default_rng(0).random((700, 900, 3)).astype("float32")
    got = tiling.restore(picture, identity, 1, 16, max_pixels=300 * 300)
    np.testing.assert_array_equal(got, picture)
    assert max(calls) <= 300 * 300


@pytest.mark.parametrize("depth", [1, 3])
def test_reach_bounds_the_receptive_field(depth):
    # 2 convolutions of 3x3 per block see one pixel further each.
    found = reach(pictures_model("resnet", depth=depth))
    assert 2 * depth <= found <= max(8, 4 * depth)


def test_reach_of_a_network_that_couples_all_pixels_is_none():
    assert reach(pictures_model("resnet", normalization="layer")) is None


def test_reach_is_not_fooled_by_strides():
    model = pictures_model("unet", multipliers=(1, 2, 2))
    distance = reach(model)
    rng = np.random.default_rng(5)
    first, second = rng.random((2, 1, 288, 32, 3)).astype("float32")
    for edge in range(128, 128 + ALIGNMENT // 4):  # every phase of the strides
        second[:, :edge] = first[:, :edge]
        kept = edge - distance
        np.testing.assert_allclose(model(first)[:, :kept], model(second)[:, :kept], atol=1e-6)
