"""What is taken for boxes or key points, and what is not."""

import numpy as np
import pytest

import keras_ms
from keras_ms.data.points import named_like_points

COUNT = 6
RNG = np.random.default_rng(0)
X = RNG.random((COUNT, 32, 32, 3)).astype("float32")
SIGNALS = RNG.random((COUNT, 64, 2)).astype("float32")


def pixels(*shape, high=30.0):
    return RNG.uniform(2.0, high, (COUNT, *shape)).astype("float32")


def made(y, x=X, **options):
    return keras_ms.MultiscaleDataset((x, y), levels=(1, 2), **options)


@pytest.mark.parametrize(
    "name",
    ["boxes", "y/gt_bboxes", "bbox", "keyPoints", "kpts", "y/landmarks2d", "corners", "xyxy"],
)
def test_names_of_points(name):
    assert named_like_points(name)


@pytest.mark.parametrize("name", ["y", "x/0", "viewpoint", "y/class", "mask", "endpoint", "axes"])
def test_names_of_others(name):
    assert not named_like_points(name)


@pytest.mark.parametrize("empty", [0.0, -1.0])
@pytest.mark.parametrize("first", [0, COUNT - 1])
def test_one_example_without_objects_hides_nothing(empty, first):
    boxes = np.full((COUNT, 5, 4), empty, "float32")
    boxes[first] = pixels(5, 4)[0]
    with pytest.raises(ValueError, match=rf"coordinates.*in example {first}\. Say which"):
        made(boxes)


@pytest.mark.parametrize(
    "shape",
    [(5, 5), (5, 6), (17, 3), (17, 2), (34,), (51,), (8,), (1, 1, 4), (1, 4), (4,), (3, 3), (2,)],
)
@pytest.mark.parametrize("whole", [False, True])
def test_floats_in_pixels_are_asked_about_in_every_shape(shape, whole):
    y = np.round(pixels(*shape)) if whole else pixels(*shape)
    with pytest.raises(ValueError, match=r"roles=\{'y': 'coordinates'\}, 'label'"):
        made(y)
    assert made(y, roles={"y": "label"}).describe().roles["y"] == "label"


@pytest.mark.parametrize("shape", [(2, 2, 2), (4, 4, 2), (2, 2, 4), (4, 4, 5), (2, 2), (4, 4)])
@pytest.mark.parametrize("high", [30.0, 3.0])
def test_small_maps_that_may_be_points_are_never_averaged_unasked(shape, high):
    y = pixels(*shape, high=high)
    with pytest.raises(ValueError, match=r"small map.*Received: y of shape.*'coordinates'\}"):
        made(y)
    assert made(y, roles={"y": "coordinates"}).pair_spec(1)[1].shape[1:] == shape
    assert made(y, roles={"y": "image"}).pair_spec(1)[1].shape[1] == shape[0] // 2


@pytest.mark.parametrize("shape", [(4, 2), (16, 2), (8, 4)])
def test_rows_of_points_are_no_signals(shape):
    with pytest.raises(ValueError, match="small map"):
        made(pixels(*shape, high=60.0), SIGNALS)


@pytest.mark.parametrize(
    "y",
    [
        {"viewpoint": np.full((COUNT, 1), 3)},
        {"viewpoint": np.full((COUNT, 1), 30.0)},
        RNG.integers(0, 30, (COUNT, 4)),
        RNG.integers(0, 4, (COUNT, 4)).astype("float32"),
        RNG.normal(0.0, 4.0, (COUNT, 10)),
        RNG.normal(0.0, 4.0, (COUNT, 4)),
        RNG.random((COUNT, 4)),
        RNG.random((COUNT, 5, 4)),
        RNG.uniform(0.0, 90.0, COUNT),
        RNG.uniform(0.0, 1e6, (COUNT, 3)),
        RNG.integers(0, 3, (COUNT, 7, 4)),
        np.eye(4)[RNG.integers(0, 4, COUNT)],
    ],
)
def test_plain_labels_are_left_alone(y):
    assert set(made(y).describe().roles.values()) == {"image", "label"}


def test_one_vector_of_positive_scores_is_not_all_there_is():
    scores = RNG.normal(0.0, 4.0, (COUNT, 4))
    scores[0] = np.abs(scores[0])
    assert made(scores).describe().roles["y"] == "label"


@pytest.mark.parametrize("side", [2, 4])
def test_small_maps_of_classes_are_class_maps(side):
    y = RNG.integers(0, 3, (COUNT, side, side))
    assert made(y).describe().roles["y"] == "class_map"
    one_hot = np.eye(3, dtype="float32")[y]
    assert made(one_hot).describe().roles["y"] == "image"


MOVES = ({"flip": True}, {"rotate": True}, {"image_size": 16}, {"coarsening": "crop"})


@pytest.mark.parametrize("moves", MOVES)
@pytest.mark.parametrize(
    "y",
    [
        {"boxes": RNG.random((COUNT, 5, 4)).astype("float32")},
        {"boxes": RNG.random((COUNT, 4, 4)).astype("float32")},
        {"keypoints": RNG.random((COUNT, 34)).astype("float32")},
        RNG.random((COUNT, 5, 4)).astype("float32"),
    ],
)
def test_relative_coordinates_do_not_bear_what_moves_pixels(y, moves):
    assert "label" in made(y).describe().roles.values()
    with pytest.raises(ValueError, match=r"Relative coordinates.*Received: y.*Leave that out"):
        made(y, **moves)


def test_labels_bear_what_moves_pixels():
    for y in (
        RNG.random((COUNT, 5)),
        np.arange(COUNT),
        {"has_box": RNG.integers(0, 2, (COUNT, 2))},
    ):
        assert "label" in made(y, flip=True, image_size=16).describe().roles.values()


def test_relative_boxes_with_a_class_are_labels():
    yolo = np.concatenate([RNG.integers(0, 20, (COUNT, 5, 1)), RNG.random((COUNT, 5, 4))], -1)
    assert made(yolo.astype("float32")).describe().roles["y"] == "label"


def test_a_box_met_later_in_a_stream_is_told_of():
    boxes = np.zeros((COUNT, 5, 4), "float32")
    boxes[4] = pixels(5, 4)[0]
    stream = keras_ms.MultiscaleDataset(lambda: zip(X, boxes, strict=True), levels=(1, 2))
    with pytest.raises(Exception, match=r"values up to .* in example 4\. Say which"):
        list(stream.stage().take(6))


@pytest.mark.parametrize("flat", [False, True])
def test_classes_and_visibilities_are_not_divided_with_coordinates(flat):
    points = np.concatenate([pixels(17, 2), RNG.integers(0, 3, (COUNT, 17, 1))], -1)
    y = points.reshape(COUNT, -1) if flat else points
    with pytest.raises(
        ValueError, match=r"all divided.*Received: y with whole numbers up to \d at"
    ):
        made(y, roles={"y": "coordinates"})
    apart = {"points": points[..., :2], "visible": points[..., 2]}
    assert made(apart, roles={"y/points": "coordinates"}).describe().roles["y/visible"] == "label"
