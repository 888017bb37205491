import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.inference import tiling

NETWORKS = {
    "resnet": {"width": 4, "depth": 2, "normalization": "channel"},
    "unet": {"width": 4, "normalization": "channel", "multipliers": (1, 2)},
    "espcn": {"scale": 2},
}
RADII = {"resnet": 4, "unet": 13, "espcn": 4}  # see test_receptive_field.py


def network(name, **options):
    keras.utils.set_random_seed(1)
    made = keras_ms.networks.get(name, **{**NETWORKS[name], **options})
    rng = np.random.default_rng(0)
    made.set_weights([0.2 * rng.normal(size=w.shape) for w in made.get_weights()])
    return made


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("size", [(200, 331), (97, 512), (130, 129)])
def test_tiled_equals_untiled(name, size):
    model = network(name)
    image = np.random.default_rng(0).random((*size, 3)).astype("float32")
    scale = NETWORKS[name].get("scale", 1)
    whole = tiling.in_tiles(image, model, scale, None, tile=10**4)
    calls = []

    def counted(part):
        calls.append(part.shape[1] * part.shape[2])
        return model(part)

    least = tiling.least_tile(RADII[name])
    tiled = tiling.in_tiles(image, counted, scale, RADII[name], least)
    assert len(calls) > 1
    np.testing.assert_allclose(tiled, whole, atol=1e-4)


@pytest.mark.parametrize("sides", [(5_000,), (700, 900), (90, 100, 110)])
def test_no_tile_is_larger_than_asked_for(sides):
    calls = []

    def with_one_more_channel(part):
        calls.append(part.shape[1:-1])
        return np.concatenate([part, part[..., :1]], axis=-1)

    image = np.random.default_rng(0).random((*sides, 2)).astype("float32")
    got = tiling.in_tiles(image, with_one_more_channel, 1, 16, tile=96)
    np.testing.assert_array_equal(got, with_one_more_channel(image[np.newaxis])[0])
    assert len(calls) > 2
    assert max(max(sides) for sides in calls[:-1]) <= 96


def test_images_of_as_many_pixels_as_a_tile_are_restored_whole():
    calls = []

    def identity(part):
        calls.append(part.shape)
        return part

    tiling.in_tiles(np.zeros((50, 180, 1)), identity, 1, 0, tile=100)
    assert calls == [(1, 50, 180, 1)]
