"""Masks as class maps: indices, colours, what is no class."""

import re

import keras
import numpy as np
import pytest
from pair_folders import save, shaded

import keras_ms
from keras_ms.data import FolderPairs
from keras_ms.data.sources.mask_classes import MaskClasses
from keras_ms.gradients.model_fits import check_model_fits

COLOURS = [(0, 0, 0), (255, 0, 0), (0, 0, 255)]


@pytest.mark.parametrize(
    ("classes", "count"),
    [
        (COLOURS, 3),
        ({"night": (0, 0, 0), "fire": "red", "sea": "blue"}, 3),
        ({(0, 0, 0): 0, (255, 0, 0): 1, (0, 0, 255): 1}, 2),
    ],
)
def test_masks_of_colours(tmp_path, classes, count):
    save(tmp_path / "y/a.png", np.array(COLOURS, "uint8")[[[0, 1, 2, 2]] * 4])
    save(tmp_path / "x/a.png", shaded(0, 4, 4, 3))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes)
    ((_, y),) = pairs
    np.testing.assert_array_equal(y[0], [0, 1, count - 1, count - 1])
    assert pairs.num_classes == count
    np.testing.assert_array_equal(pairs.class_colours[1], COLOURS[1])


@pytest.mark.parametrize(
    ("classes", "void", "wanted"),
    [
        (2, 255, [[0, 1, 255, 255]]),
        (2, 2, [[0, 1, 2, 2]]),
        (3, 255, [[0, 1, 2, 255]]),
        ({0: 0, 1: 1, 2: 1, 9: 0}, None, [[0, 1, 1, 0]]),
    ],
)
def test_what_is_no_class_becomes_void(tmp_path, classes, void, wanted):
    save(tmp_path / "x/a.png", shaded(0, 1, 4, 3))
    save(tmp_path / "y/a.png", np.array([[0, 1, 2, 9]], "uint8"))
    ((_, y),) = FolderPairs(tmp_path / "x", tmp_path / "y", classes, void)
    np.testing.assert_array_equal(y, wanted)


@pytest.mark.parametrize("void", [True, -1, 1.5, "255", [255]])
def test_void_is_the_number_of_a_class(void):
    with pytest.raises(ValueError, match="`void` is the number of a class"):
        MaskClasses(3, void)
    assert MaskClasses(3, np.uint8(255)).void == 255


def test_void_meets_the_loss_and_the_metric():
    # Void pixels count for nothing, whatever the network says there.
    y = np.array([[[0, 1], [1, 11]]])
    good = np.eye(11)[[[[0, 1], [1, 5]]]] * 20.0
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=11)
    assert float(loss(y, good)) < 1e-3
    iou = keras.metrics.MeanIoU(11, ignore_class=11, sparse_y_pred=False)
    assert float(iou(y, good)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("mask", "classes", "mend"),
    [
        (shaded(7, 4, 4), 2, r"Use classes=8 if they are classes, or void"),
        # To follow the first mend must not make all of the foreground void.
        (shaded(255, 4, 4), 2, r"Use classes=\{0: 0, 255: 1\} if they are classes, or void"),
        (np.diag([0, 255, 255, 255]).astype("uint8"), 2, r"Use classes=\{0: 0, 255: 1\} if"),
        (np.diag([0, 127, 255, 255]).astype("uint8"), 3, r"classes=\{0: 0, 127: 1, 255: 2\} if"),
        (np.diag([0, 1, 2, 255]).astype("uint8"), 3, r"Use classes=3, void=255 if they are"),
        (
            np.eye(4, dtype="uint8")[..., :3],
            2,
            r"Name the colours of a mask: classes=\{\(0, 0, 0\)",
        ),
        (
            np.eye(4, dtype="uint8")[..., :3],
            [(9, 9, 9), (8, 8, 8)],
            r"mapping, classes=\{\(0, 0, 0\): 0",
        ),
    ],
)
def test_a_mask_that_is_refused_says_how_to_read_it(tmp_path, mask, classes, mend):
    save(tmp_path / "x/0.png", shaded(0, 4, 4, 3))
    mask = np.tile(mask[:, None], (1, 4, 1)) if mask.shape == (4, 3) else mask
    save(tmp_path / "y/0.png", mask)
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=classes)
    ((_, error),) = pairs.examples().passes()
    assert re.search(mend, str(error))


def test_what_is_no_class_is_named_and_refused(tmp_path):
    for number in range(4):
        save(tmp_path / f"x/{number}.png", shaded(0, 4, 4, 3))
        save(tmp_path / f"y/{number}.png", shaded(255 if number == 1 else 0, 4, 4))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=2)
    name, error = list(pairs.examples().passes())[1]
    assert "Received: 255 in" in str(error)
    assert "void=255" in str(error)
    assert name.endswith("1.png")
    with pytest.warns(UserWarning, match="Skipped 1 of 4 pairs"):
        assert len(list(pairs)) == 3
    with pytest.raises(ValueError, match="1 of 4 pairs"):
        list(FolderPairs(tmp_path / "x", tmp_path / "y", classes=2, max_bad_fraction=0.1))


def test_masks_of_jpeg_are_warned_of_and_the_refusal_names_the_mend(tmp_path):
    mask = np.kron(np.eye(4, dtype="uint8") * 200, np.ones((6, 6), "uint8"))
    for number in range(4):
        save(tmp_path / f"x/{number}.jpg", shaded(9, 24, 24, 3))
        save(tmp_path / f"y/{number}.jpg", mask)
    with pytest.warns(UserWarning, match=r"4 of 4 masks are JPEG .*Write masks as PNG"):
        pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes={0: 0, 200: 1})
    with pytest.raises(ValueError, match="JPEG changes values: write masks as PNG"):
        list(pairs)


def test_mappings_may_have_negative_indices_and_numbers_of_numpy(tmp_path):
    for number in range(2):
        save(tmp_path / f"x/{number}.jpg", shaded(9, 16, 16, 3))
        save(tmp_path / f"y/{number}.tif", shaded(number - 1, 16, 16, dtype="int8"))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes={-1: np.int64(1), np.int32(0): 0})
    assert [y.max() for _, y in pairs] == [1, 0]


def test_coloured_masks_without_classes_are_told_how_to_be_read(tmp_path):
    for number in range(2):
        save(tmp_path / f"x/{number}.png", shaded(51, 8, 8, 3))
        save(tmp_path / f"y/{number}.png", shaded(128, 8, 8, 3))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y")
    dataset = keras_ms.MultiscaleDataset(pairs, levels=(1,), steps_per_epoch=1)
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(2, 1)])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.raises(ValueError, match=r"Use FolderPairs\(classes=\.\.\.\)"):
        check_model_fits(model, dataset)
