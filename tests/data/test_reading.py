"""Every example is read about once, whatever its source says of its length."""

import math
import warnings

import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.data.examples import Examples

SIDE = 16
SPEC = (tf.TensorSpec((SIDE, SIDE, 1), tf.float32), tf.TensorSpec((), tf.int64))


class Source:
    """Counts what is read. Examples show their number."""

    def __init__(self, count, length, bad=(), anew=False):
        self.count, self.length, self.bad, self.anew = count, length, bad, anew
        self.read = []

    def examples(self):
        return Examples(SPEC, self.passes, self.length, self.anew)

    def passes(self):
        number = 0
        while number < self.count:
            self.read.append(number)
            image = np.full((SIDE, SIDE, 1), number % 7, np.float32)
            bad = number in self.bad
            yield str(number), ValueError("broken") if bad else (image, np.int64(number))
            number += 1


def dataset(source, levels=(1, 2), **options):
    return keras_ms.MultiscaleDataset(source, levels=levels, prefetch=0, **options)


def seen(made, steps, **stage):
    batches = made.stage(**stage).take(steps).as_numpy_iterator()
    return [np.concatenate([pair[1] for pair in batch.fine if pair]) for batch in batches]


def test_a_source_of_known_length_is_read_once_for_all_stages():
    source = Source(30, 30)
    made = dataset(source)
    numbers = seen(made, 20)
    seen(made, 20, finest=1)
    assert source.read == list(range(30))
    for part in (numbers[:10], numbers[10:]):
        assert sorted(np.concatenate(part)) == list(range(30))
    assert list(np.concatenate(numbers[:10])) != list(np.concatenate(numbers[10:]))


def test_a_source_of_unknown_length_is_read_as_far_as_steps_need_it_and_kept():
    source = Source(30, None)
    made = dataset(source)
    assert len(source.read) == 1
    assert sorted(np.concatenate(seen(made, 4))) == list(range(12))
    assert len(source.read) <= 12 + 4 * 3  # steps are prepared ahead
    assert sorted(np.concatenate(seen(made, 10))) == list(range(30))
    seen(made, 40)
    assert source.read == list(range(30))


def test_stages_of_a_source_without_end_take_what_comes():
    source = Source(10**9, math.inf)
    made = dataset(source)
    first = np.concatenate(seen(made, 5, position=0))
    second = np.concatenate(seen(made, 5, finest=1, start=5, position=15))
    assert sorted(first) == list(range(15))
    assert sorted(second) == list(range(15, 25))
    assert len(source.read) < 60


def test_what_has_no_room_is_read_on_and_forgotten(monkeypatch):
    monkeypatch.setattr("keras_ms.data.example_store._free_bytes", lambda: 0)
    source = Source(30, 30)
    made = dataset(source, cache_bytes=SIDE * SIDE * 4 * 20)
    numbers = np.concatenate(seen(made, 25))
    assert sorted(numbers[:30]) == list(range(30))
    assert len(source.read) <= 75 + 12
    growing = Source(30, None)
    numbers = np.concatenate(seen(dataset(growing, cache_bytes=SIDE * SIDE * 4 * 20), 25))
    assert sorted(numbers[:30]) == sorted(numbers[30:60]) == list(range(30))


@pytest.mark.parametrize("cache_bytes", [0, 1, 5 * SIDE**2 * 4])
@pytest.mark.parametrize("free", [0, 6])
def test_no_example_is_lost_when_the_disk_is_full(monkeypatch, cache_bytes, free):
    left = [free]

    def free_bytes():
        left[0] -= 1
        return 2**40 if left[0] > 0 else 0

    monkeypatch.setattr("keras_ms.data.example_store._free_bytes", free_bytes)
    made = dataset(Source(30, None), cache_bytes=cache_bytes)
    numbers = np.concatenate(seen(made, 20))
    assert sorted(numbers[:30]) == sorted(numbers[30:]) == list(range(30))
    assert "read anew in every pass" in str(made.describe())


def test_examples_that_differ_from_pass_to_pass_are_not_kept():
    source = Source(6, 6, anew=True)
    made = dataset(source)
    seen(made, 4)
    assert 12 <= len(source.read) <= 12 + 6
    assert "read anew in every pass" in str(made.describe())


@pytest.mark.parametrize("length", [6, None])
def test_what_the_user_says_of_reading_anew_goes_before_what_the_source_says(length):
    source = Source(6, length)
    made = dataset(source, anew=True)
    seen(made, 4)
    assert len(source.read) >= 12
    assert "read anew in every pass" in str(made.describe())
    source = Source(6, length, anew=True)
    made = dataset(source, anew=False)
    seen(made, 4)
    assert source.read == list(range(6))
    assert "read once and kept" in str(made.describe())


def test_small_caches_move_pixels_to_files_and_change_nothing():
    large, small = (
        dataset(Source(30, 30), levels=(1, 2), cache_bytes=n) for n in (2**20, 3 * SIDE**2 * 4)
    )
    for ours, theirs in zip(
        large.stage().take(12).as_numpy_iterator(),
        small.stage().take(12).as_numpy_iterator(),
        strict=True,
    ):
        for a, b in zip(tf.nest.flatten(ours), tf.nest.flatten(theirs), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("length", [40, None, math.inf])
def test_bad_examples_are_named_counted_and_passed_over(length):
    source = Source(40, length, bad=(0, 7))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        numbers = np.concatenate(seen(dataset(source), 14))
    assert {0, 7}.isdisjoint(numbers)
    told = [str(warning.message) for warning in said]
    assert any("Skipped 2 of 40 examples: 0 (broken) and 1 more alike: 7" in text for text in told)
    # Where it may take long until all are counted, the first is named when it comes.
    first = [text for text in told if "passed over: 0 (broken)" in text]
    assert len(first) == (length != 40)


def test_too_many_bad_examples_are_refused_before_training():
    with pytest.raises(ValueError, match=r"20 of 40 examples.*max_bad_fraction=0.25"):
        dataset(Source(40, 40, bad=range(20)))
    with pytest.raises(ValueError, match=r"4 of 4 examples cannot be used"):
        dataset(Source(4, None, bad=range(4)))


def test_the_same_steps_are_the_same_wherever_a_stage_starts():
    for length in (30, None):
        whole = seen(dataset(Source(30, length)), 24)
        late = seen(dataset(Source(30, length)), 4, start=20)
        np.testing.assert_array_equal(whole[20:], late)
