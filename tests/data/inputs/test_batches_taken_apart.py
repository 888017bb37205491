"""Sources of whole batches, which are taken apart into examples."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from numbered_pairs import pair, read, seen

from keras_ms.data.inputs import examples_of


class Batches(keras.utils.PyDataset):
    def __init__(self, count=3, endless=False):
        super().__init__(workers=2)
        self.count, self.endless, self.calls, self.ends = count, endless, [], 0

    @property
    def num_batches(self):
        return None if self.endless else self.count

    def __getitem__(self, index):
        self.calls.append(index)
        size = 1 if index == self.count - 1 else 4  # the last one is smaller
        x, y = pair(index)
        return np.repeat(x[None], size, 0), np.repeat(y[None], size, 0)

    def on_epoch_end(self):
        self.ends += 1


def test_batches_of_a_py_dataset_are_taken_apart_and_told_when_a_pass_ends():
    data = Batches()
    examples = examples_of(data)
    assert data.calls == [0, 1, 2]  # looked at, to see what most are like
    assert seen(examples) == [0] * 4 + [1] * 4 + [2]
    assert (data.calls, data.ends) == ([0, 1, 2], 1)
    assert examples.length is None
    assert "batches" in examples.note
    assert len(read(examples)) == 9
    assert data.ends == 2


def test_batches_whose_parts_differ_in_length_are_refused():
    class Unequal(Batches):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            return x[1:], y

    with pytest.raises(ValueError, match=r"one length.*\(3, 8, 8, 3\), \(4, 8, 8\)"):
        examples_of(Unequal())


def test_a_py_dataset_without_length_is_endless():
    examples = examples_of(Batches(endless=True))
    assert examples.length == math.inf
    assert len(list(itertools.islice(examples.passes(), 10))) == 10


def test_generators_of_batches_are_taken_apart():
    def batches():
        for number in range(3):
            yield np.full((4, 8, 8, 3), number, "float32"), np.zeros(4)

    assert seen(examples_of(batches)) == [0] * 4 + [1] * 4 + [2] * 4

    def masks():
        yield np.zeros((4, 8, 8, 3)), np.zeros((4, 8, 8, 1))

    with pytest.raises(ValueError, match=r"batches of pictures or volumes.*spatial_dims"):
        examples_of(masks)
    assert len(read(examples_of(masks, spatial_dims=2))) == 4
    assert len(read(examples_of(masks, spatial_dims=3))) == 1


class Loader:
    batch_size = 2

    def __iter__(self):
        yield [tf.zeros((2, 8, 8, 3)), tf.zeros((2, 8, 8, 1))]


def test_a_loader_that_says_its_batch_size_is_taken_apart():
    assert len(read(examples_of(Loader()))) == 2


def test_a_source_may_say_that_it_differs_in_every_pass():
    loader = Loader()
    loader.anew = True
    assert examples_of(loader).anew
    assert not examples_of(Loader()).anew
