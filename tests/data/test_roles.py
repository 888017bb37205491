"""What each tensor of an example is taken for, and what follows for coarse levels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, every_second, most_frequent
from role_examples import BYTES, FLOATS, IDS, MAPS, RNG, dataset, first, times

import keras_ms


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "bool", "float64"])
def test_inputs_are_images_and_averaged_whatever_their_type(dtype):
    images = BYTES.astype(dtype)
    made = dataset({"image": images, "id": IDS}, FLOATS)
    batch = first(made)
    floats = images.astype("float32")
    for level in range(3):
        x, _ = batch.fine[level]
        assert x["image"].dtype == floats.dtype
        np.testing.assert_allclose(x["image"], times(floats, block_mean, level)[x["id"]], rtol=1e-5)


def test_byte_images_and_float_targets_lie_over_each_other():
    made = dataset(BYTES, BYTES.astype("float32"))
    batch = first(made)
    for x, y in (*batch.fine, *batch.coarse[:2]):
        np.testing.assert_allclose(x, y, atol=1e-3)


def test_the_most_frequent_class_stays_an_integer_on_every_level():
    batch = first(dataset({"image": FLOATS, "id": IDS}, MAPS))
    for level in range(3):
        x, y = batch.fine[level]
        assert y.dtype == np.int32
        wanted = times(MAPS[..., None], most_frequent, level)[..., 0][x["id"]]
        np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("channels", [False, True])
@pytest.mark.parametrize("ratio", [1, 2, 4])
def test_maps_of_another_size_are_restricted_by_their_own_ratio(channels, ratio):
    maps = MAPS[:, ::ratio, ::ratio]
    made = dataset(FLOATS, maps[..., None] if channels else maps)
    assert made.image_size == (32, 32)
    sides = [made.pair_spec(level)[1].shape[1:3] for level in range(3)]
    assert sides == [(32 // ratio // 2**level,) * 2 for level in range(3)]


def test_deep_supervision_restricts_every_target_by_its_own_ratio():
    made = dataset(FLOATS, (MAPS, MAPS[:, ::2, ::2], MAPS[:, ::4, ::4, None]))
    shapes = [tuple(leaf.shape) for leaf in made.pair_spec(2)[1]]
    assert shapes == [(3, 8, 8), (3, 4, 4), (3, 2, 2, 1)]


def test_one_hot_maps_stay_one_hot():
    one_hot = np.eye(3, dtype="int32")[MAPS]
    batch = first(dataset(FLOATS, one_hot))
    for level in range(3):
        assert np.all(batch.fine[level][1].sum(-1) == 1)


def test_weights_are_averaged_as_maps_and_left_alone_as_numbers():
    maps = (MAPS > 0).astype("uint8")
    batch = first(dataset({"image": FLOATS, "id": IDS}, FLOATS, maps))
    x, _, weight = batch.fine[1]
    assert weight.dtype == np.float32
    np.testing.assert_allclose(weight, block_mean(maps[..., None] * 1.0)[..., 0][x["id"]])
    batch = first(dataset({"image": FLOATS, "id": IDS}, FLOATS, IDS.astype("float32")))
    x, _, weight = batch.coarse[1]
    np.testing.assert_array_equal(weight, x["id"])


def test_the_stride_of_an_image_is_asked_for_by_name():
    batch = first(dataset({"image": BYTES, "id": IDS}, MAPS, restriction="stride"))
    x, y = batch.fine[2]
    np.testing.assert_array_equal(x["image"], times(BYTES, every_second, 2)[x["id"]])
    np.testing.assert_array_equal(y, times(MAPS[..., None], every_second, 2)[..., 0][x["id"]])


def test_video_keeps_its_frames_and_volumes_and_signals_are_found():
    video = RNG.random((4, 5, 16, 16, 1)).astype("float32")
    levels = keras_ms.Levels((1, 2), spatial_axes=(1, 2))
    made = keras_ms.MultiscaleDataset((video, video), levels=levels)
    assert [made.pair_spec(level)[0].shape[1:4] for level in (0, 1)] == [(5, 16, 16), (5, 8, 8)]
    assert made.work_units() == 1.25 + 0.5
    volumes = RNG.random((4, 16, 16, 16, 1)).astype("float32")
    assert dataset(volumes, volumes, levels=(1, 2)).levels.spatial_dims == 3
    signals = RNG.random((4, 64, 2)).astype("float32")
    assert dataset(signals, signals[..., :1]).levels.spatial_dims == 1


def test_class_maps_of_floats_are_class_maps_under_a_sparse_loss():
    maps = MAPS.astype("float32")[..., None]
    made = dataset({"image": FLOATS, "id": IDS}, maps)
    inputs = {"image": keras.Input((None, None, 3), name="image"), "id": keras.Input((), name="id")}
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(inputs["image"]))
    for loss, role, by_hand in (
        (keras.losses.SparseCategoricalCrossentropy(from_logits=True), "class_map", most_frequent),
        ("mse", "image", block_mean),
    ):
        model.compile(loss=loss)
        seen = keras_ms.gradients.target_roles.suited(model, made)
        assert seen.describe().roles["y"] == role
        x, y = first(seen).fine[2]
        np.testing.assert_allclose(y, times(maps, by_hand, 2)[x["id"]], atol=1e-6)


def test_fit_says_in_one_line_what_every_tensor_is(capsys):
    made = dataset(BYTES, BYTES, levels=(1, 2), steps_per_epoch=1)
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(3, 1)(keras.layers.Rescaling(1 / 255)(inputs))
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile(loss="mse")
    model.fit(made, verbose=0)
    assert capsys.readouterr().out == ""
    model.fit(made, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("x: image 32x32x3 of uint8 (an input), averaged to 16x16")
    assert "y: image 32x32x3 of uint8 (under mean_squared_error), averaged" in lines[1]
    assert lines[2].startswith("examples: 12, read once and kept")


def test_masks_of_bytes_are_images_under_a_loss_of_values_alone():
    batch = first(dataset(BYTES, BYTES[..., :1]))
    assert batch.fine[1][1].dtype == np.uint8
    assert isinstance(dataset(BYTES, BYTES).pair_spec(1)[0], tf.TensorSpec)
