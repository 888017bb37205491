"""Stages of a dataset: what the steps hold, in datasets of the same images, too."""

import keras
import numpy as np
import pytest
from conftest import Blur, small_images

import keras_ms
from keras_ms.data.stages import hierarchy
from keras_ms.levels import Stage


class Counting(Blur):
    """Counts how often the pipeline is traced."""

    def __init__(self):
        self.traces = 0

    def pair(self, example):
        self.traces += 1
        return super().pair(example)


def dataset(task=None, **options):
    images = small_images()
    return keras_ms.MultiscaleDataset(images, task or Blur(), (2, 4, 8), 32, **options)


def test_specs_of_all_levels_come_from_one_trace():
    task = Counting()
    data = dataset(task)
    # Every level as the fine side of its term, two of them as the coarse side, too.
    assert task.traces == 5
    assert [data.pair_spec(level)[0].shape for level in range(3)] == [
        (2, 32, 32, 3),
        (4, 16, 16, 3),
        (8, 8, 8, 3),
    ]
    assert task.traces == 5


def test_stages_are_the_levels_from_each_one_on():
    assert dataset().stages == (Stage(0, (2, 4, 8)), Stage(1, (4, 8)), Stage(2, (8,)))
    plain = dataset(telescoping=False)
    assert plain.stages == (Stage(0, (2,)), Stage(1, (4,)), Stage(2, (8,)))
    weighted = dataset(control_weights=(0.5, 0.25))
    assert [stage.control_weights for stage in weighted.stages] == [(0.5, 0.25), (0.25,), ()]


def test_another_dataset_of_the_same_images_leaves_the_first_alone():
    first = dataset(steps_per_epoch=3)
    stages = (Stage(0, (1, 2), (0.5,)), Stage(1, (6,)), Stage(2, (7,)))
    other = first.replaced(steps_per_epoch=5, stages=stages)
    assert (first.steps_per_epoch, other.steps_per_epoch) == (3, 5)
    assert first.batch_sizes(0) == (2, 4, 8)
    assert other.stages == stages
    # 1 (1 + 1/4) + 2/4
    assert other.work_units(0) == 1.75
    batch = next(iter(other.stage(0)))
    assert batch.active_levels == (0, 1)
    np.testing.assert_array_equal(batch.weights[1], np.full(2, 0.5, np.float32))
    ours = keras.tree.flatten(next(iter(first.stage(1, batch_sizes=(6,)))))
    theirs = keras.tree.flatten(next(iter(other.stage(1))))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_batch_sizes_of_ones_own_keep_the_weights_of_their_levels():
    data = dataset(control_weights=(0.5, 0.25))
    batch = next(iter(data.stage(0, batch_sizes=(1, 3))))
    np.testing.assert_array_equal(batch.weights[1], np.full(3, 0.5, np.float32))
    assert next(iter(data.stage(0, batch_sizes=(1, 3), control_weights=()))).weights == ()


@pytest.mark.parametrize(
    ("stages", "match"),
    [
        ((Stage(0, (2,)),), "One stage is needed for every level"),
        ((Stage(0, (2,)), Stage(2, (2,)), Stage(1, (2,))), "One stage is needed"),
        ((Stage(0, (2,)), Stage(1, (2,)), Stage(2, (2, 4))), "Batch sizes are positive integers"),
        ((Stage(0, (2, 0)), Stage(1, (2,)), Stage(2, (2,))), "Batch sizes are positive integers"),
        ((Stage(0, (2, 4), (1.0, 1.0)), Stage(1, (2,)), Stage(2, (2,))), "one finite number per"),
        ((Stage(0, (2, 4), ("a",)), Stage(1, (2,)), Stage(2, (2,))), "one finite number per"),
    ],
)
def test_stages_that_do_not_fit_are_refused(stages, match):
    with pytest.raises(ValueError, match=match):
        dataset().replaced(stages=stages)


def test_steps_per_epoch_that_are_none_are_refused():
    with pytest.raises(ValueError, match="`steps_per_epoch` must be a positive integer"):
        dataset().replaced(steps_per_epoch=0)


def test_no_image_is_decoded_again_for_other_steps():
    gone_through = []

    def images():
        for image in small_images():
            gone_through.append(image)
            yield image

    made = keras_ms.MultiscaleDataset(images(), Blur(), (2, 4), 32, steps_per_epoch=3)
    other = made.replaced(5)
    ours, theirs = (keras.tree.flatten(next(iter(data.stage()))) for data in (made, other))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    assert len(gone_through) == len(small_images())


def test_the_dimensions_are_as_many_as_the_image_size_has_sides():
    sized = [(64, (2, 4), None), ((64,), (2, 4), 1), ((32, 64), (2, 4), 2), ((32, 32, 64), (2,), 3)]
    for image_size, levels, dims in sized:
        assert hierarchy(levels, image_size) == keras_ms.Levels(levels, dims)
    assert hierarchy("auto", (64, 64, 32)) == keras_ms.Levels((4, 8), 3)
    assert dataset().levels == keras_ms.Levels((2, 4, 8), 2)


@pytest.mark.parametrize("image_size", [(32,), (32, 32, 32)])
def test_an_image_size_that_contradicts_the_levels_is_refused(image_size):
    with pytest.raises(ValueError, match=r"2 positive integer sides. Received: image_size="):
        hierarchy(keras_ms.Levels((2, 4), 2), image_size)


def test_a_task_that_is_to_coarsen_some_axes_alone_is_refused():
    levels = keras_ms.Levels((2, 4), spatial_axes=(1,))
    with pytest.raises(ValueError, match=r"all axes.*Received: spatial_axes=\(1,\). Leave it out"):
        keras_ms.MultiscaleDataset(small_images(), Blur(), levels, 32)
