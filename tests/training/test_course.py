"""The stages of a run's epochs: where they begin, how they end early, how much is done."""

import pytest

from keras_ms.levels import Stage
from keras_ms.training.course import Course

PLAN = [2, 2, 2, 2, 1, 1, 0]


def course(led=True, **options):
    made = Course(lambda epoch: Stage(0, (4,)))
    made.epochs = len(PLAN)
    if led:
        stage = lambda epoch: Stage(PLAN[min(epoch, 6)], (4,))  # noqa: E731
        made.follow(stage, **{"finest": None, "end": None, "share": None} | options)
    return made


def levels(of, epochs):
    return [of.stage(epoch).finest for epoch in range(epochs)]


def test_without_a_schedule_there_is_one_stage():
    one = course(led=False)
    assert levels(one, 9) == [0] * 9
    assert not one.changes()
    assert not one.end_stage(3)
    assert not one.is_over(6)  # `fit` ends by itself


def test_a_stage_that_ends_early_makes_the_run_shorter():
    early = course()
    assert early.end_stage(1)
    assert early.end_stage(1)  # asked twice, ended once
    assert levels(early, 5) == [2, 2, 1, 1, 0]
    assert [early.is_over(epoch) for epoch in range(5)] == [False] * 4 + [True]
    assert early.end_stage(2)
    assert levels(early, 4) == [2, 2, 1, 0]
    assert early.is_over(3)
    assert not early.end_stage(3)


def test_where_stages_begin():
    early = course()
    assert [early.begin_of_stage(epoch) for epoch in range(7)] == [0, 0, 0, 0, 4, 4, 6]
    early.end_stage(0)
    assert [early.begin_of_stage(epoch) for epoch in range(4)] == [0, 1, 1, 3]


def test_whether_stages_change_from_an_epoch_on():
    assert [course().changes(first) for first in (0, 3, 5, 6)] == [True, True, True, False]
    assert course(finest=Stage(0, (1,))).changes(6)  # which nobody can know

    def unknown(epoch):
        raise LookupError

    silent = Course(unknown)
    assert not silent.changes()


def test_a_schedule_may_end_stages_and_know_its_share_itself():
    asked = []
    own = course(end=lambda epoch: bool(asked.append(epoch)), share=lambda epoch: epoch / 10)
    assert not own.end_stage(3)
    assert asked == [3]
    assert levels(own, 7) == PLAN
    assert own.share(4, 0.0, lambda stage: 1.0) == 0.4


def test_the_share_that_is_done_is_that_of_the_cost():
    cost = {2: 1.0, 1: 4.0, 0: 16.0}
    of = lambda stage: cost[stage.finest]  # noqa: E731
    assert course().share(0, 0.0, of) == 0.0
    assert course().share(4, 4.0, of) == pytest.approx(4 / 28)
    early = course()
    early.end_stage(1)
    assert early.share(2, 2.0, of) == pytest.approx(2 / 26)
    assert course(finest=Stage(0, (1,))).share(0, 0.0, of) is None


@pytest.mark.parametrize("epochs", [10**12, 10**20])
def test_runs_that_only_a_callback_ends_are_not_looked_at_epoch_by_epoch(epochs):
    one = course(led=False)
    one.epochs = epochs
    assert not one.changes()
    assert not one.is_coarse()
    assert one.finest_ahead(range(epochs)) is None
    staged = course()
    staged.epochs = epochs
    assert staged.finest_ahead(range(epochs)).finest == 0
