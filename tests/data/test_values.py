"""What is known of the values of tensors, in one example and in many."""

import numpy as np
import pytest

from keras_ms.data.values import MOST_NUMBERS, Values, values_of

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float16", "bool"])
def test_whole_numbers_are_kept_with_an_example_that_has_them(dtype):
    one = values_of(np.array([[0, 1], [1, 0]], dtype), "a")
    both = one.joined(values_of(np.array([[1, 1]], dtype), "b"))
    assert (both.low, both.high, both.low_in, both.high_in) == (0, 1, "a", "a")
    assert both.numbers == {0: "a", 1: "a"}
    assert (both.most, both.whole, both.zero_and_one) == (2, True, True)


@pytest.mark.parametrize("at", [0, 777, 4095])
def test_one_number_that_is_not_whole_is_seen(at):
    array = RNG.integers(0, 9, 4096).astype("float32")
    array[at] += 0.5
    seen = values_of(np.zeros(4), "a").joined(values_of(array.reshape(64, 64), "b"))
    assert (seen.fraction_in, seen.whole, seen.numbers) == ("b", False, None)


def test_extremes_name_their_examples_in_whatever_order_they_come():
    parts = [values_of(np.array([n, n + 0.5]), str(n)) for n in (3, -2, 7, 0)]
    for order in ((0, 1, 2, 3), (3, 2, 1, 0)):
        seen = Values()
        for number in order:
            seen = seen.joined(parts[number])
        assert (seen.low, seen.low_in, seen.high, seen.high_in) == (-2, "-2", 7.5, "7")


def test_far_apart_and_many_numbers():
    assert values_of(np.array([0, 10**9]), "a").numbers == {0: "a", 10**9: "a"}
    many = values_of(np.arange(MOST_NUMBERS + 1), "a")
    assert (many.numbers, many.whole, many.most) == (None, True, MOST_NUMBERS + 1)
    assert values_of(np.zeros((0, 4)), "a") == Values()


def test_places_along_the_last_axis_and_the_marks_for_nothing_there():
    boxes = np.array([[1.5, 7.0], [-1.0, -1.0]])
    seen = values_of(boxes, "a").columns
    assert (list(seen.high), list(seen.whole)) == ([1.5, 7.0], [False, True])
    assert seen.marks == {-1.0}
    more = seen.joined(values_of(np.array([[-2.0, -3.0]]), "b").columns)
    assert (more.marks, list(more.low)) == (None, [-2.0, -3.0])
    assert values_of(-boxes, "a").columns.marks is None
    assert values_of(boxes, "a").joined(values_of(np.zeros((2, 3)), "b")).columns is None
