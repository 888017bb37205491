"""Pairs of two folders: what they yield and offer, and what is refused."""

import numpy as np
import pytest
import tensorflow as tf
from pair_folders import photographs_and_masks, save, shaded

import keras_ms
from keras_ms.data import FolderPairs


@pytest.fixture
def folders(tmp_path):
    return photographs_and_masks(tmp_path)


def test_pairs_by_name_scaled_photographs_and_masks_of_indices(folders):
    pairs = FolderPairs(*folders, classes=3)
    found = list(pairs)
    assert len(pairs) == len(found) == 6
    for (path, target), (x, y) in zip(pairs.files, found, strict=True):
        number = int(path.stem)
        assert target.stem == path.stem
        np.testing.assert_allclose(x, np.float32(40 * number / 255), atol=0.02)
        np.testing.assert_array_equal(y, shaded(number % 3, 16, 24))
        assert (x.dtype, x.shape, y.dtype) == (np.float32, (16, 24, 3), np.uint8)


def test_examples_are_as_stored_with_ranges_and_roles(folders):
    examples = FolderPairs(*folders, classes=3, void=255).examples()
    assert examples.length == 6
    assert [tuple(leaf.shape) for leaf in examples.spec] == [(16, 24, 3), (16, 24)]
    assert [leaf.dtype for leaf in examples.spec] == [tf.uint8, tf.uint8]
    assert examples.ranges == {"x": (0.0, 255.0)}
    assert examples.roles == {"x": "image", "y": "class_map"}
    name, (x, y) = next(examples.passes())
    assert name.endswith("0.jpg")
    assert x.dtype == y.dtype == np.uint8


def test_splits_share_no_pair_and_a_limit_holds(folders):
    parts = [FolderPairs(*folders, split=split).files for split in ("train", "validation", None)]
    assert sorted(parts[0] + parts[1]) == parts[2]
    assert len(parts[1]) == 1
    assert len(FolderPairs(*folders, limit=2)) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "`classes` is a number of classes"),
        ({"classes": [(0, 0, 0), (0, 0, 300)]}, "three numbers from 0 to 255"),
        ({"classes": [(0, 0, 0), (0, 0, 0)]}, "stands for two classes"),
        ({"classes": {"sky": 3, "sea": 4}}, "three numbers from 0 to 255"),
        ({"void": 3}, "goes with `classes`"),
        ({"classes": 3, "void": -1}, "0 or more"),
        ({"value_range": (3, 3)}, "two ordered numbers"),
        ({"split": "test"}, "`split` is"),
        ({"limit": 0}, "`limit`"),
        ({"max_bad_fraction": 2}, "max_bad_fraction"),
    ],
)
def test_senseless_options_are_refused(folders, options, message):
    with pytest.raises(ValueError, match=message):
        FolderPairs(*folders, **options)


def test_sizes_that_differ_are_mended_by_an_image_size(tmp_path):
    for number, side in enumerate((16, 24)):
        save(tmp_path / f"x/{number}.png", shaded(51, side, side, 3))
        save(tmp_path / f"y/{number}.png", shaded(1, side, side))
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", 2)
    with pytest.raises(ValueError, match=r"`image_size`, such as image_size=\d+.*files beforeh"):
        keras_ms.MultiscaleDataset(pairs, levels=(1, 1), steps_per_epoch=1)
