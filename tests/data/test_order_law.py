"""The order of any number of images: each once a pass, and the same wherever one begins."""

from unittest import mock

import tensorflow as tf
from hypothesis import strategies as st
from laws import law

from keras_ms.data import order


def visit(first, count, num_images, seed, most_sorted):
    with mock.patch.object(order, "MOST_SORTED", most_sorted):
        found = order.image_order(tf.constant(first, tf.int64), count, num_images, (seed, 1))
    return found.numpy().tolist()


by_both_ways = st.sampled_from([0, 10**6])  # by the cipher, and by sorting
seeds = st.integers(0, 2**31 - 1)


@law(
    25,
    num_images=st.integers(2, 30),
    number=st.integers(0, 10**6),
    seed=seeds,
    most_sorted=by_both_ways,
)
def test_a_pass_is_a_permutation(num_images, number, seed, most_sorted):
    found = visit(number * num_images, num_images, num_images, seed, most_sorted)
    assert sorted(found) == list(range(num_images))


@law(
    25,
    num_images=st.integers(2, 30),
    count=st.integers(1, 70),
    first=st.integers(0, 10**6),
    later=st.integers(0, 69),
    seed=seeds,
    most_sorted=by_both_ways,
)
def test_two_requests_agree_where_they_overlap(num_images, count, first, later, seed, most_sorted):
    later %= count
    one = visit(first, count, num_images, seed, most_sorted)
    other = visit(first + later, count, num_images, seed, most_sorted)
    assert one[later:] == other[: count - later]
