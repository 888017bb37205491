"""Datasets whose cardinality says something else than what comes."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.data.inputs import examples_of

X = np.arange(10, dtype="float32").reshape(-1, 1, 1, 1) * np.ones((1, 16, 16, 1), "float32")
Y = np.zeros((10, 16, 16), "uint8")
SPEC = tf.TensorSpec((16, 16, 1)), tf.TensorSpec((16, 16), tf.uint8)
INFINITE = tf.data.INFINITE_CARDINALITY


def slices():
    return tf.data.Dataset.from_tensor_slices((X, Y))


def generated():
    return tf.data.Dataset.from_generator(lambda: zip(X, Y, strict=True), output_signature=SPEC)


def claiming(source, count, after=lambda d: d):
    return after(source().apply(tf.data.experimental.assert_cardinality(count)))


def seen(made, steps):
    batches = made.stage().take(steps)
    return [x[0, 0, 0] for b in batches for pair in b.fine if pair for x in pair[0].numpy()]


@pytest.mark.parametrize("source", [slices, generated])
@pytest.mark.parametrize("count", [INFINITE, 12, 25])
@pytest.mark.parametrize(
    "after", [lambda d: d, lambda d: d.map(lambda x, y: (x, y), num_parallel_calls=2).prefetch(1)]
)
@pytest.mark.filterwarnings("ignore:A dataset claims")
def test_all_that_comes_is_trained_on_whatever_is_claimed(source, count, after):
    made = keras_ms.MultiscaleDataset(claiming(source, count, after), levels=(2, 3))
    found = seen(made, 8)
    assert len(found) == 40
    assert np.bincount(np.int64(found)).tolist() == [4] * 10


@pytest.mark.parametrize("source", [slices, generated])
def test_one_is_told_of_a_wrong_claim_and_not_of_a_right_one(source, recwarn):
    assert len(list(examples_of(claiming(source, 10)).passes())) == 10
    assert not [w for w in recwarn if "claims" in str(w.message)]
    with pytest.warns(UserWarning, match="(?s)claims.*12 elements but contained only 10"):
        assert len(list(examples_of(claiming(source, 12)).passes())) == 10
    with pytest.warns(UserWarning, match="(?s)claims.*expected to contain 7 elements"):
        assert len(list(examples_of(claiming(source, 7)).passes())) == 7


def test_other_failures_are_no_ends():
    def fail(x, y):
        with tf.control_dependencies([tf.debugging.assert_none_equal(x[0, 0, 0], 3.0)]):
            return tf.identity(x), y

    found = list(examples_of(claiming(slices, 10).map(fail)).passes())
    assert [name for name, one in found if isinstance(one, ValueError)] == ["3"]
    assert len(found) == 10


class Pages(keras.utils.PyDataset):
    """Says nothing of its length, and ends as sequences of Python do."""

    num_batches = None

    def __init__(self, bad=()):
        super().__init__()
        self.bad = bad

    def __getitem__(self, number):
        if number > 4 or number in self.bad:
            raise (IndexError if number > 4 else OSError)(number)
        return X[2 * number : 2 * number + 2], Y[2 * number : 2 * number + 2]


def test_a_py_dataset_without_length_may_end():
    made = keras_ms.MultiscaleDataset(Pages(), levels=(2, 3))
    assert np.bincount(np.int64(seen(made, 8))).tolist() == [4] * 10


def test_what_fails_within_it_is_passed_over():
    found = itertools.islice(examples_of(Pages(bad=(1,))).passes(), 20)
    assert len([1 for _, one in found if not isinstance(one, ValueError)]) == 8
