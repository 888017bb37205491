"""The rule that chooses a level's coarse problem, or does without the level."""

import numpy as np
import pytest

from keras_ms.diagnostics.coarse_problem import (
    PLAIN,
    CoarseProblem,
    choose,
    choose_all,
    plain,
    words,
)
from keras_ms.diagnostics.rule import WORTHWHILE

NORM, VARIANCE = 0.5, 4.0  # of the gradient of level 0, and of one sample's
FINEST = plain(NORM, VARIANCE)


def problem(coarsening="task", level=1, cosine=1.0, error=0.0, norm=NORM, variance=VARIANCE):
    return CoarseProblem(level, coarsening, cosine, error, norm, variance, 0.25**level)


def chosen(*problems, batch=16):
    return choose(problems, FINEST, batch).coarsening


def test_the_gain_is_what_the_best_multiple_of_a_noisy_gradient_leaves_of_the_error():
    # The gradient of level 0, a coarse one beside it, and normal noise: E |a G - g_0|^2 by hand.
    fine, coarse = np.array([0.5, 0.5]), np.array([0.6, 0.2])
    norm = float(coarse @ coarse)
    found = problem(level=2, cosine=float(fine @ coarse) ** 2 / (NORM * norm), norm=norm)
    noise = VARIANCE / (16 * 16)  # 16 images of level 2 for one of level 0
    multiples = np.linspace(0.0, 2.0, 20001)
    errors = np.sum((multiples[:, None] * coarse - fine) ** 2, axis=1) + multiples**2 * noise
    assert fine @ fine == NORM
    assert found.gain_for(16) == pytest.approx(1.0 - errors.min() / NORM, abs=1e-6)
    kept = choose([found], FINEST, 16)
    assert kept.gain == pytest.approx(found.gain_for(16) / (NORM / (NORM + VARIANCE / 16)))


def test_noise_gets_no_credit():
    assert problem(error=0.5).gain_for(16, errors=1.0) == problem().gain_for(16)
    assert problem(cosine=0.1, error=0.5).gain_for(16, errors=-1.0) == 0.0
    assert problem(norm=-0.1).gain_for(16) == 0.0


def test_where_the_gradient_is_lost_in_its_noise_the_usual_coarse_problem_stays():
    lost = [problem(name, cosine=0.0, error=0.1) for name in ("task", "crop")]
    found = choose(lost, plain(-0.1, VARIANCE), 16)
    assert (found.coarsening, found.gain) == ("task", 1.0)


def test_what_bias_costs_depends_on_the_batch():
    biased, noisy = problem(cosine=0.5), problem("crop", variance=8.0 * VARIANCE)
    assert chosen(biased, noisy, batch=2) == "task"
    assert chosen(biased, noisy, batch=64) == "crop"
    assert chosen(biased, batch=64) == PLAIN


def test_a_bias_that_is_small_beside_the_gradient_does_no_harm():
    # It is many times the variance of a plain step: a comparison of the two would do without.
    far = np.array([0.5, 0.7])
    cosine = float(np.sum(far * 0.5)) ** 2 / (NORM * float(far @ far))
    assert 4.0 * VARIANCE / 512 < 0.2**2
    assert chosen(problem(cosine=cosine, norm=float(far @ far)), batch=512) == "task"


@pytest.mark.parametrize(("error", "taken"), [(0.0, "crop"), (0.1, "crop"), (0.4, "task")])
def test_what_is_not_known_to_be_better_does_not_replace_the_usual(error, taken):
    usual = problem(cosine=0.7)
    assert chosen(usual, problem("crop", error=error, variance=VARIANCE / 4.0)) == taken


def test_a_level_is_done_without_only_if_its_bias_is_known():
    assert chosen(problem(cosine=0.4, error=0.1)) == PLAIN
    assert chosen(problem(cosine=0.4, error=0.4)) == "task"


def test_where_all_are_alike_the_cheap_steps_of_the_usual_coarse_problem_stay():
    same = [problem(name, variance=4.0 * VARIANCE) for name in ("task", "crop", "both")]
    found = choose(same, FINEST, 16)
    assert found.coarsening == "task"
    assert found.gain == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_left_that_is_clearly_better(seed):
    rng = np.random.default_rng(seed)
    problems = [
        problem(name, cosine=float(rng.random()), variance=float(rng.exponential(8.0)))
        for name in ("task", "crop", "both")
    ]
    found = choose(problems, FINEST, 16)
    gains = [one.gain_for(16) for one in (FINEST, *problems)]
    own = gains[0]
    # One threshold for each that may follow.
    assert found.gain * own >= max(gains) * WORTHWHILE**3 - 1e-12
    if found.serves and found.coarsening != "task":
        assert WORTHWHILE * found.gain * own > gains[1]


def test_every_level_chooses_for_itself():
    problems = [
        problem("task", 2, cosine=0.0),
        problem("crop", 2),
        problem("task", 1),
        problem("crop", 1, cosine=0.0),
        problem("task", 3, cosine=0.0),
    ]
    choices = choose_all(problems, FINEST, 16)
    assert [(c.level, c.coarsening) for c in choices] == [(1, "task"), (2, "crop"), (3, PLAIN)]
    assert [c.serves for c in choices] == [True, True, False]
    assert words(choices) == ("task", "task", "crop", "task")
    assert words(choices[:1]) == "task"
