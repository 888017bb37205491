"""Copies of datasets, and of what they are made of."""

import copy
import functools
import multiprocessing
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, small_images
from PIL import Image

import keras_ms

IMAGES = small_images(4)


@functools.cache
def with_task():
    return keras_ms.MultiscaleDataset(IMAGES, Blur(), (1, 2), 16, steps_per_epoch=2)


@functools.cache
def of_pairs():
    return keras_ms.MultiscaleDataset((IMAGES, IMAGES), None, (1, 2), steps_per_epoch=2)


@functools.cache
def as_read():
    def generate():
        yield from zip(IMAGES, IMAGES, strict=True)

    return keras_ms.MultiscaleDataset(generate, None, (1, 2), steps_per_epoch=2)


def some(dataset):
    return tf.nest.flatten(list(dataset.stage().take(3).as_numpy_iterator()))


@pytest.mark.parametrize("make", [with_task, of_pairs, as_read])
def test_a_copy_gives_the_same_batches(make):
    dataset = make()
    (other,) = copy.deepcopy([dataset])
    assert type(other) is keras_ms.MultiscaleDataset
    assert other is not dataset
    for mine, theirs in zip(some(dataset), some(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_copy_in_other_steps_leaves_the_first_as_it_was():
    dataset = with_task()
    other = copy.deepcopy(dataset).replaced(steps_per_epoch=7)
    assert (dataset.steps_per_epoch, other.steps_per_epoch) == (2, 7)


def test_pictures_are_not_copied():
    dataset = of_pairs()
    assert copy.deepcopy(dataset).pairs is dataset.pairs


@pytest.mark.parametrize("make", [with_task, of_pairs])
@pytest.mark.parametrize(
    "sent", [pickle.dumps, multiprocessing.reduction.ForkingPickler.dumps, lambda d: d.__reduce__()]
)
def test_pickle_is_refused_and_says_what_to_do(make, sent):
    with pytest.raises(TypeError, match=r"is not pickled.*Make it in the process that trains"):
        sent(make())


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    for name in "ab":
        folder = tmp_path_factory.getbasetemp() / "copies" / name
        folder.mkdir(parents=True)
        for number in range(2):
            picture = np.full((16, 16, 3), 50 * number, "uint8")
            Image.fromarray(picture).save(folder / f"{number}.png")
    return tmp_path_factory.getbasetemp() / "copies"


MADE_OF = {
    "FolderImages": lambda f: keras_ms.data.FolderImages(f / "a"),
    "FolderPairs": lambda f: keras_ms.data.FolderPairs(f / "a", f / "b"),
    "Levels": lambda f: keras_ms.Levels((1, 2)),
    "FullMultiscaleSchedule": lambda f: keras_ms.FullMultiscaleSchedule((2, 2)),
    "AdaptiveSchedule": lambda f: keras_ms.AdaptiveSchedule(
        work_units=9.0, learning_rate=keras.optimizers.schedules.CosineDecay(0.1, 3)
    ),
    "RefreshStatistics": lambda f: keras_ms.RefreshStatistics(),
} | {name: lambda f, n=name: keras_ms.tasks.get(n) for name in keras_ms.tasks.names()}


@pytest.mark.parametrize("name", MADE_OF)
def test_what_datasets_and_runs_are_made_of_is_copied_and_pickled(name, folders):
    made = MADE_OF[name](folders)
    for other in (copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert type(other) is type(made)
        if name.startswith("Folder"):
            assert len(other) == 2
            for mine, theirs in zip(made, other, strict=True):
                np.testing.assert_array_equal(mine, theirs)
