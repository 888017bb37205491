import math

import pytest

from apps.frontier import reading
from apps.frontier.reading import Reached, SpeedUp

# Halves with each budget, which is four times the one before.
PLAIN = [(60.0, 0.4), (240.0, 0.2), (960.0, 0.1)]


def test_a_longer_run_may_be_worse_but_never_counts_as_worse():
    worse = [(960.0, 0.3), (60.0, 0.4), (240.0, 0.2)]
    assert reading.envelope(worse) == [(60.0, 0.4), (240.0, 0.2), (960.0, 0.2)]
    assert reading.reached(worse, 0.2) == Reached(240.0)
    assert reading.reached(worse, 0.19) is None


@pytest.mark.parametrize(
    ("loss", "seconds"), [(0.4, 60.0), (0.3, 120.0), (0.2, 240.0), (0.15, 480.0), (0.1, 960.0)]
)
def test_between_budgets_the_logarithm_of_seconds_is_linear_in_the_loss(loss, seconds):
    when = reading.reached(PLAIN, loss)
    assert when is not None
    assert when.seconds == pytest.approx(seconds)
    assert not when.at_most


def test_nothing_is_read_beyond_the_budgets():
    assert reading.reached(PLAIN, 0.5) == Reached(60.0, at_most=True)
    assert reading.reached(PLAIN, 0.0999) is None
    assert reading.reached([], 0.1) is None
    assert reading.reached([(60.0, 0.4)], 0.4) == Reached(60.0)


def test_of_budgets_that_end_alike_the_shortest_counts():
    tied = [(60.0, 0.4), (240.0, 0.2), (960.0, 0.2)]
    assert reading.reached(tied, 0.2) == Reached(240.0)
    same_seconds = [(60.0, 0.4), (60.0, 0.3), (240.0, 0.2)]
    assert reading.reached(same_seconds, 0.3) == Reached(60.0)


def test_at_every_loss_that_plain_training_counts_which_is_there_first():
    early = [(60.0, 0.3), (240.0, 0.25)]
    assert reading.soonest([PLAIN, early], 0.35) == Reached(60.0, at_most=True)
    assert reading.soonest([PLAIN, early], 0.3) == Reached(60.0)
    assert reading.soonest([PLAIN, early], 0.2) == Reached(240.0)
    assert reading.soonest([PLAIN, early], 0.05) is None
    open_first = [Reached(60.0), Reached(60.0, at_most=True)]
    assert min(open_first, key=lambda r: (r.seconds, not r.at_most)).at_most


@pytest.mark.parametrize(
    ("plain", "other", "told"),
    [
        (Reached(480.0), Reached(120.0), "4.0"),
        (Reached(480.0), Reached(60.0, at_most=True), "at least 8.0"),
        (Reached(60.0, at_most=True), Reached(120.0), "at most 0.5"),
    ],
)
def test_speed_ups_say_what_is_not_known(plain, other, told):
    assert str(reading.speed_up(plain, other)) == told


def test_who_both_are_there_before_the_shortest_budget_ends_are_not_compared():
    assert reading.speed_up(Reached(60.0, at_most=True), Reached(50.0, at_most=True)) is None
    assert reading.speed_up(Reached(60.0), Reached(60.0)) == SpeedUp(1.0)


def test_qualities_go_from_where_plain_training_begins_to_where_it_has_converged():
    better_at_first = [(60.0, 0.3)]
    found = reading.qualities([PLAIN, better_at_first], 3)
    assert found == pytest.approx([0.3, (0.3 + 0.101) / 2, 0.101])
    assert reading.qualities([[(60.0, 0.1)]]) == [pytest.approx(0.101)]
    assert reading.qualities([]) == []
    assert math.isnan(reading.converged([]))


def test_the_converged_loss_is_that_of_the_best_budget_not_of_the_longest():
    overfitted = [(60.0, 0.4), (240.0, 0.2), (960.0, 0.3)]
    assert reading.converged([overfitted]) == pytest.approx(0.202)
