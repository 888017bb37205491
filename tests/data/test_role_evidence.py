"""What tensors look like, by type, shape and the values of all examples."""

import numpy as np
import pytest
from role_examples import BYTES, COUNT, FLOATS, IDS, MAPS, RNG, dataset, first

import keras_ms


def test_one_hot_labels_and_small_numbers_are_labels():
    for y in (np.eye(4, dtype="float32")[IDS % 4], IDS, np.full((COUNT, 2), 0.5), IDS[:, None]):
        assert dataset(FLOATS, y).describe().roles["y"] == "label"


def test_integers_of_several_bands_are_images_unless_they_tell_one_class_a_band():
    made = dataset(BYTES, BYTES)
    assert made.describe().roles["y"] == "image"
    for x, y in first(made).fine:
        np.testing.assert_array_equal(x, y)
    assert dataset(BYTES, np.eye(3, dtype="uint8")[MAPS]).describe().roles["y"] == "class_map"
    assert dataset(BYTES, BYTES, roles={"y": "class_map"}).describe().roles["y"] == "class_map"


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (BYTES[..., 0], IDS),
        (BYTES[..., 0], MAPS),
        (FLOATS[..., 0], IDS),
        (FLOATS[:, :, :24, 0], MAPS[:, :, :24]),
        (np.zeros((3, 16, 16, 40), "uint8"), IDS[:3]),
        (np.zeros((3, 16, 16, 40), "float32"), np.zeros((3, 16, 16, 40), "int32")),
    ],
)
def test_pictures_and_volumes_without_channels_are_refused_and_the_mend_works(x, y):
    with pytest.raises(ValueError, match=r"without an axis of channels.*Received: x of shape"):
        dataset(x, y, levels=(1, 2))
    made = dataset(x[..., np.newaxis], y, levels=(1, 2))
    assert len(made.image_size) == x.ndim - 1


@pytest.mark.parametrize("y", [MAPS, MAPS[..., np.newaxis]])
def test_a_map_tells_that_as_many_bands_as_pixels_are_bands(y):
    bands = np.repeat(FLOATS[..., :1], FLOATS.shape[2], axis=-1)
    assert dataset(bands, y, levels=(1, 2)).image_size == FLOATS.shape[1:3]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (FLOATS, np.zeros((COUNT, 48, 48), "int32")),
        (FLOATS, np.zeros((COUNT, 31, 32), "int32")),
        (FLOATS, np.zeros((COUNT, 32, 16), "uint8")),
        (FLOATS, np.zeros((COUNT, 16, 32), "uint8")),
        (FLOATS, np.zeros((COUNT, 64, 32), "float32")),
        (FLOATS, np.zeros((COUNT, 8, 32), "uint8")),
        (FLOATS, np.zeros((COUNT, 8, 16), "uint8")),
        (FLOATS, np.zeros((COUNT, 24, 32), "uint8")),
        (np.zeros((2, 8, 16, 16, 1), "float32"), np.zeros((2, 16, 16), "int32")),
        (np.zeros((2, 8, 16, 16, 1), "float32"), np.zeros((2, 16, 16, 3), "float32")),
    ],
)
def test_what_looks_like_a_map_of_no_fitting_size_is_refused_until_it_is_said_what_it_is(x, y):
    levels = keras_ms.Levels((1, 2), spatial_axes=tuple(range(x.ndim - 2))[-2:])
    with pytest.raises(ValueError, match=r"incompatible sizes.*Received: y of.*'label'"):
        dataset(x, y, levels=levels)
    assert dataset(x, y, levels=levels, roles={"y": "label"}).describe().roles["y"] == "label"


def test_tables_that_are_no_maps_stay_labels():
    made = dataset(np.zeros((2, 64, 128, 1), "float32"), np.zeros((2, 10, 36), "int32"))
    assert made.describe().roles["y"] == "label"


def test_a_weight_per_sample_is_a_weight():
    for weights in (IDS, IDS[:, None], np.ones((COUNT, 2), "float32") * 3):
        made = dataset(FLOATS, MAPS, weights)
        assert made.describe().roles["sample_weight"] == "weight"
        assert made.pair_spec(2)[2].shape[1:] == weights.shape[1:]


def test_small_maps_of_classes_without_channels_are_maps():
    maps = MAPS[:, ::8, ::8]
    made = dataset(FLOATS, maps, levels=(1, 2))
    assert made.describe().roles["y"] == "class_map"
    assert made.pair_spec(1)[1].shape[1:] == (2, 2)


@pytest.mark.parametrize("at", [0, 5, COUNT - 1])
def test_bands_of_integers_are_judged_by_all_examples(at):
    bands = RNG.integers(0, 2, (COUNT, 32, 32, 2))
    assert dataset(FLOATS, bands).describe().roles["y"] == "class_map"
    bands[at, 3, 3] = 5
    assert dataset(FLOATS, bands).describe().roles["y"] == "image"


def test_a_stream_that_comes_to_contradict_its_first_examples_is_told_of():
    bands = RNG.integers(0, 2, (COUNT, 32, 32, 2))
    bands[7, 3, 3] = 5
    made = keras_ms.MultiscaleDataset(lambda: zip(FLOATS, bands, strict=True), levels=(1, 2))
    with pytest.raises(Exception, match=r"Example 7: .*later.*y that looks like an image.*Say"):
        list(made.stage().take(8))
