"""The rule that chooses a level's coarse problem, or does without the level."""

import numpy as np
import pytest

from keras_ms.diagnostics.coarse_problem import PLAIN, CoarseProblem, choose, choose_all, words
from keras_ms.diagnostics.rule import WORTHWHILE

VARIANCE = 4.0  # of one sample on level 0


def problem(coarsening="task", level=1, bias=0.0, error=0.0, variance=VARIANCE):
    return CoarseProblem(level, coarsening, bias, error, variance, 0.25**level)


def chosen(*problems, batch=16):
    return choose(problems, VARIANCE, batch).coarsening


def test_the_error_is_squared_bias_plus_variance_over_the_batch_that_the_cost_buys():
    found = problem(level=2, bias=0.5)  # 16 images of level 2 for one of level 0
    assert found.error_for(16) == 0.5 + VARIANCE / (16 * 16)
    assert problem(bias=-0.5).error_for(16) == problem().error_for(16)  # noise, no credit
    kept = choose([found._replace(squared_bias=0.1)], VARIANCE, 16)
    assert kept.error == pytest.approx((0.1 + VARIANCE / 256) / (VARIANCE / 16))


def test_what_bias_costs_depends_on_the_batch():
    biased, noisy = problem(bias=0.2), problem("crop", variance=4.0 * VARIANCE)
    assert chosen(biased, noisy, batch=4) == "task"  # .2 + .25 against 1
    assert chosen(biased, noisy, batch=64) == "crop"  # .2 + .016 against .063
    assert chosen(biased, batch=64) == PLAIN


@pytest.mark.parametrize(("error", "taken"), [(0.0, "crop"), (0.1, "crop"), (0.4, "task")])
def test_what_is_not_known_to_be_better_does_not_replace_the_usual(error, taken):
    usual = problem(bias=0.2, variance=VARIANCE)
    assert chosen(usual, problem("crop", error=error, variance=VARIANCE / 4.0), batch=16) == taken


def test_a_level_is_done_without_only_if_its_bias_is_known():
    assert chosen(problem(bias=0.5, error=0.1)) == PLAIN
    assert chosen(problem(bias=0.5, error=0.4)) == "task"


def test_where_all_are_alike_the_cheap_steps_of_the_usual_coarse_problem_stay():
    same = [problem(name, variance=4.0 * VARIANCE) for name in ("task", "crop", "both")]
    found = choose(same, VARIANCE, 16)
    assert found.coarsening == "task"
    assert found.error == 1.0


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_that_is_clearly_better(seed):
    rng = np.random.default_rng(seed)
    problems = [
        problem(name, bias=float(rng.exponential(0.3)), variance=float(rng.exponential(8.0)))
        for name in ("task", "crop", "both")
    ]
    found = choose(problems, VARIANCE, 16)
    errors = [VARIANCE / 16, *(p.error_for(16) for p in problems)]
    own = found.error * VARIANCE / 16
    assert own <= min(errors) / WORTHWHILE**3 + 1e-12  # one threshold for each that may follow
    if found.coarsening != "task":
        assert own < WORTHWHILE * errors[1]


def test_every_level_chooses_for_itself():
    problems = [
        problem("task", 2, bias=9.0),
        problem("crop", 2),
        problem("task", 1),
        problem("crop", 1, bias=9.0),
        problem("task", 3, bias=9.0),
    ]
    choices = choose_all(problems, VARIANCE, 16)
    assert [(c.level, c.coarsening) for c in choices] == [(1, "task"), (2, "crop"), (3, PLAIN)]
    assert [c.serves for c in choices] == [True, True, False]
    assert words(choices) == ("task", "task", "crop", "task")
    assert words(choices[:1]) == "task"
