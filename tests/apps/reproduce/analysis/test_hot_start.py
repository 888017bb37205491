import numpy as np
import pytest

from apps.reproduce.analysis import hot_start
from apps.reproduce.analysis.example1 import Normal


def alike(matrix, goal, count=4):
    """Signals that all have one quadratic loss, whose least is at `goal`."""
    matrices = np.repeat(np.array(matrix, float)[np.newaxis], count, axis=0)
    return Normal(matrices, matrices @ np.array(goal, float))


def test_iterations_are_those_of_the_theorem_where_they_are_known():
    # Of a multiple of the identity, step k (from 1) leaves k / (k + 1) of the error: 1 / (k + 1).
    problem = alike(0.3 * np.eye(3), (1.0, -2.0, 2.0))
    np.testing.assert_allclose(hot_start.solution(problem), (1.0, -2.0, 2.0))
    cold = hot_start.descent(problem, np.zeros(3), 0.301)
    assert cold.iterations == 9  # 3 / 10 is the first below it
    half_as_far = hot_start.descent(problem, np.array((0.5, -1.0, 1.0)), 0.301)
    assert half_as_far.iterations == 4  # 1.5 / 5
    assert hot_start.descent(problem, cold.weights, 0.301).iterations == 0
    assert hot_start.descent(problem, np.zeros(3), 1e-3, most=5).iterations is None


def test_drawn_signals_lead_to_the_same_solution():
    rng = np.random.default_rng(0)
    problem = Normal(
        np.eye(3) + 0.1 * np.stack([np.diag(rng.normal(size=3)) for _ in range(50)]),
        rng.normal(size=(50, 3)),
    )
    found = hot_start.descent(problem, np.zeros(3), 0.05, batch=5, seed=1)
    assert found.iterations > 0
    assert np.linalg.norm(found.weights - hot_start.solution(problem)) <= 0.05


def test_meshes_that_have_close_solutions_are_hot_started_from_the_coarser_ones():
    problems = [alike(np.eye(3), (1.0 + 0.01 * level, 0.0, 0.0)) for level in (0, 1, 5)]
    found = hot_start.by_level(problems, 0.005, None, seed=0)
    cold, hot = ([one.iterations for one in starts] for starts in zip(*found, strict=True))
    assert hot[2] == cold[2]  # the coarsest has nothing to start from
    assert hot[0] < hot[1] < hot[2]
    assert all(a < b for a, b in zip(hot[:2], cold[:2], strict=True))


def test_noise_is_as_strong_on_every_mesh():
    problems = hot_start.problems(np.zeros((400, 64)), 0.5, 16, seed=0)
    assert len(problems) == 3
    for problem in problems:
        np.testing.assert_allclose(problem.matrices.mean(axis=0), 0.25 * np.eye(3), atol=0.02)
        assert np.linalg.norm(hot_start.solution(problem)) == pytest.approx(0.0, abs=1e-6)
