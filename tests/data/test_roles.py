"""What each tensor of an example is taken for, and what follows for coarse levels."""

import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, every_second, most_frequent

import keras_ms

COUNT = 12
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (COUNT, 32, 32, 3), dtype=np.uint8)
FLOATS = RNG.random((COUNT, 32, 32, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (COUNT, 32, 32), dtype=np.int32)
IDS = np.arange(COUNT)


def dataset(x, y, *weights, levels=(1, 2, 3), **options):
    return keras_ms.MultiscaleDataset((x, y, *weights), levels=levels, **options)


def first(made):
    return next(iter(made.stage().take(1).as_numpy_iterator()))


def times(values, restrict, count):
    for _ in range(count):
        values = restrict(values)
    return values


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


@pytest.mark.parametrize(
    ("roles", "by_hand", "dtype"),
    [
        ({"y": "image"}, block_mean, "float32"),
        ({"y": "class_map"}, most_frequent, "int32"),
        ({"y": "label"}, None, "int32"),
    ],
)
def test_a_role_that_is_said_goes_before_everything(roles, by_hand, dtype):
    maps = MAPS[..., None]
    batch = first(dataset({"image": FLOATS, "id": IDS}, maps, roles=roles))
    for level in range(3):
        x, y = batch.fine[level]
        wanted = times(maps.astype(dtype), by_hand, level if by_hand else 0)[x["id"]]
        assert y.dtype == dtype
        np.testing.assert_allclose(y, wanted, atol=1e-6)


def test_roles_may_be_nested_like_the_example():
    roles = {"x": {"image": "class_map"}, "y": ["label", "image"]}
    made = dataset({"image": MAPS[..., None]}, (FLOATS, MAPS), roles=roles)
    assert made.describe().roles == {"x/image": "class_map", "y/0": "label", "y/1": "image"}


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"z": "image"}, "names what is not there. Received: 'z', the tensors are x, y"),
        ({"y": "picture"}, "no such role. Received: roles='picture'"),
        ({"x/left": "image"}, "'x/left', the tensors are x, y"),
        ("image", "names what is not there"),
        (7, r"Received: 7. Use for example \{'x': 'image'"),
    ],
)
def test_roles_that_make_no_sense_are_refused(roles, message):
    with pytest.raises(ValueError, match=message):
        dataset(FLOATS, MAPS, roles=roles)


def test_weights_are_averaged_as_maps_and_left_alone_as_numbers():
    maps = (MAPS > 0).astype("uint8")
    batch = first(dataset({"image": FLOATS, "id": IDS}, FLOATS, maps))
    x, _, weight = batch.fine[1]
    assert weight.dtype == np.float32
    np.testing.assert_allclose(weight, block_mean(maps[..., None] * 1.0)[..., 0][x["id"]])
    batch = first(dataset({"image": FLOATS, "id": IDS}, FLOATS, IDS.astype("float32")))
    x, _, weight = batch.coarse[1]
    np.testing.assert_array_equal(weight, x["id"])


BOXES = RNG.uniform(2.0, 32.0, (COUNT, 5, 4)).astype("float32")


@pytest.mark.parametrize(
    "y",
    [
        BOXES,
        BOXES[:, 0],
        BOXES[:, :, :2],
        BOXES.astype("int32"),
        {"boxes": BOXES.reshape(COUNT, -1), "label": IDS},
        np.tile(BOXES[:, :4], (1, 1, 1)),  # four boxes of four numbers: no map of 4 x 4
    ],
)
def test_coordinates_in_pixels_are_refused_until_they_are_said_to_be_some(y):
    with pytest.raises(ValueError, match=r"coordinates.*roles=\{'y(/boxes)?': 'coordinates'\}"):
        dataset(FLOATS, y)


def test_coordinates_are_halved_with_the_mesh():
    made = dataset({"image": FLOATS, "id": IDS}, BOXES, roles={"y": "coordinates"})
    batch = first(made)
    for level in range(3):
        x, y = batch.fine[level]
        np.testing.assert_allclose(y, BOXES[x["id"]] / 2**level)
    for options in ({"flip": True}, {"image_size": 16}, {"coarsening": "crop"}, {"rotate": True}):
        with pytest.raises(ValueError, match="neither cropped, flipped"):
            dataset(FLOATS, BOXES, roles={"y": "coordinates"}, **{"levels": (1, 2), **options})


def test_one_hot_labels_and_small_numbers_are_labels():
    for y in (np.eye(4, dtype="float32")[IDS % 4], IDS, np.full((COUNT, 2), 0.5), IDS[:, None]):
        assert dataset(FLOATS, y).describe().roles["y"] == "label"


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
    import keras

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
    import keras

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


def test_square_signals_can_be_said_to_be_signals():
    levels = keras_ms.Levels((1, 2), spatial_dims=1)
    assert dataset(FLOATS[..., 0], IDS, levels=levels).image_size == (32,)


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


def test_roles_in_a_row_are_those_of_x_and_y():
    for roles in (
        ["image", "label"],
        ("image", "label"),
        (None, "label"),
        {"x": None, "y": "label"},
    ):
        assert dataset(FLOATS, MAPS, roles=roles).describe().roles["y"] == "label"
    made = dataset(FLOATS, (MAPS, MAPS), roles=["image", ["label", "class_map"]])
    assert made.describe().roles == {"x": "image", "y/0": "label", "y/1": "class_map"}
    with pytest.raises(
        ValueError, match=r"those of x, y and sample_weight\. Received: roles=\['im"
    ):
        dataset(FLOATS, MAPS, roles=["image"] * 4)
    with pytest.raises(ValueError, match=r"is not there\. Received: 'sample_weight'"):
        dataset(FLOATS, MAPS, roles=["image"] * 3)
