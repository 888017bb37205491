"""One dataset of several coarsenings, of images that are kept once."""

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_images

import keras_ms


def batch(dataset, finest=0):
    return keras.tree.flatten(next(iter(dataset.stage(finest))))


def assert_same(some, others):
    for a, b in zip(some, others, strict=True):
        np.testing.assert_array_equal(a, b)


def task_dataset(coarsening):
    task = keras_ms.tasks.Denoising(t_range=(1.0, 1.0))  # the input is the clean image
    return keras_ms.MultiscaleDataset(small_images(8, 48), task, (2, 3, 4), 32, 1, coarsening)


def test_every_stage_has_the_coarsening_of_its_level():
    mixed = pair_dataset(coarsening=("task", "crop", "task"))
    assert mixed.coarsening == ("task", "crop", "task")
    for level, word in enumerate(mixed.coarsening):
        assert_same(batch(mixed, level), batch(pair_dataset(coarsening=word), level))
    assert_same(batch(pair_dataset(coarsening="auto")), batch(pair_dataset()))  # not yet decided


def test_the_description_says_how_levels_come_about():
    lines = {
        word: str(pair_dataset(coarsening=word).describe()).splitlines()[0]
        for word in ("auto", "crop", ("task", "task", "crop"))
    }
    assert lines["auto"].endswith("averaged to 16x16, 8x8")
    assert lines["crop"].endswith("the middle of it, 16x16, 8x8")
    assert lines["task", "task", "crop"].endswith("its middle, or averaged to 16x16, 8x8")


def test_images_of_a_task_can_be_seen_otherwise():
    data = task_dataset("auto")
    crops = data.replaced(coarsening="crop")
    (fine, _), (coarse, _) = (side[0] for side in next(iter(crops.stage()))[:2])
    np.testing.assert_array_equal(coarse, fine[:, 8:-8, 8:-8])
    (fine, _), (coarse, _) = (side[0] for side in next(iter(data.stage()))[:2])
    pooled = keras_ms.restriction.average(fine)
    np.testing.assert_allclose(coarse, pooled, atol=1e-5)
    assert (data.coarsening, crops.coarsening) == ("auto", "crop")


@pytest.mark.parametrize(
    ("coarsening", "match"),
    [
        ("resize", "coarsening='resize'"),
        (("task", "crop"), "one for every level"),
        (("task", "crop", "resize"), "one for every level"),
        (("task", "auto", "task"), "one for every level"),
        (3, "one for every level"),
    ],
)
def test_other_words_are_refused_when_made_and_when_replaced(coarsening, match):
    with pytest.raises(ValueError, match=match):
        pair_dataset(coarsening=coarsening)
    with pytest.raises(ValueError, match=match):
        pair_dataset().replaced(coarsening=coarsening)


def test_images_that_are_not_kept_as_coarse_are_refused():
    with pytest.raises(ValueError, match="Make the dataset with coarsening='auto'"):
        task_dataset("crop").replaced(coarsening="task")


def test_a_finer_stage_may_stand_in_for_a_level():
    data = pair_dataset()
    merged = data.replaced(stages=(data.stages[0], data.stages[0], data.stages[2]))
    assert merged.work_units(1) == data.work_units(0)
    assert merged.active_levels(1) == (0, 1, 2)
    assert_same(batch(merged, 1), batch(data, 0))
