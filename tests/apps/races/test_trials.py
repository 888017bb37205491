import math

import pytest

from apps.races import trials


def test_the_rate_whose_trial_ends_lowest_is_taken_and_of_equals_the_first():
    ends = {1e-3: 0.2, 3e-3: 0.1, 1e-2: 0.1, 3e-2: math.nan}
    assert trials.best_rate("x", tuple(ends), lambda rate, seconds: ends[rate], 30.0) == 3e-3


def test_a_single_rate_needs_no_trial():
    assert trials.best_rate("x", (1e-3,), lambda rate, seconds: 1 / 0, 30.0) == 1e-3


def test_trials_that_cannot_start_up_get_longer():
    asked = []

    def trial(rate, seconds):
        asked.append(seconds)
        return rate if seconds > 60.0 else math.inf

    assert trials.best_rate("x", (1e-3, 1e-2), trial, 30.0) == 1e-3
    assert asked == [30.0, 30.0, 90.0, 90.0]
    with pytest.raises(ValueError, match=r"No trial of x .*--trial_seconds=10"):
        trials.best_rate("x", (1e-3, 1e-2), trial, 10.0)
