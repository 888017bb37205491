"""What a user says that tensors are goes before what they look like."""

import numpy as np
import pytest
from by_hand import block_mean, most_frequent
from role_examples import COUNT, FLOATS, IDS, MAPS, RNG, dataset, first, times

import keras_ms


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


def test_square_signals_can_be_said_to_be_signals():
    levels = keras_ms.Levels((1, 2), spatial_dims=1)
    assert dataset(FLOATS[..., 0], IDS, levels=levels).image_size == (32,)


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
