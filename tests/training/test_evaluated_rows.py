"""Replicas share batches of which none is too small, whatever their number."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ms.training.evaluated_rows import shares


def arrays(rows):
    return np.arange(6.0 * rows, dtype="float32").reshape(rows, 2, 3), np.arange(rows)


@pytest.mark.parametrize("replicas", [2, 3, 4])
@pytest.mark.parametrize(("rows", "size"), [(4, 4), (9, 4), (13, 5), (8, 3), (5, 1)])
def test_all_rows_are_shared_in_order_and_no_share_is_empty(rows, size, replicas):
    image, number = arrays(rows)
    batches = tf.data.Dataset.from_tensor_slices((image, number)).batch(size)
    found = list(shares(batches, replicas).as_numpy_iterator())
    assert len(found) % replicas == 0
    assert min(len(one) for _, one in found) > 0
    np.testing.assert_array_equal(np.concatenate([one for one, _ in found]), image)
    np.testing.assert_array_equal(np.concatenate([one for _, one in found]), number)


def test_fewer_rows_than_replicas_go_to_each_of_them():
    batches = tf.data.Dataset.from_tensor_slices({"a": arrays(3)[0]}).batch(2)
    found = list(shares(batches, 4).as_numpy_iterator())
    assert len(found) == 4
    for one in found:
        np.testing.assert_array_equal(one["a"], arrays(3)[0])


def test_what_is_tensorflows_to_share_is_left_to_it():
    slices = tf.data.Dataset.from_tensor_slices(arrays(8))
    assert shares(slices.batch(4, drop_remainder=True), 2) is None
    assert shares(slices.batch(3).repeat(), 2) is None
    assert shares(slices.batch(4, drop_remainder=True), 3) is not None
    ragged = tf.data.Dataset.from_tensors(tf.ragged.constant([[1.0], [2.0, 3.0]]))
    assert shares(ragged, 2) is None
