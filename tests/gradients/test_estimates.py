"""Variances from few samples: what belongs together is estimated together."""

import numpy as np
import pytest

from keras_ms.diagnostics.rule import allocate
from keras_ms.gradients.estimates import estimate
from keras_ms.gradients.moments import TermMoments

ALONE, CORRELATION = (1.0, 1.05, 1.2), (0.97, 0.9)
COSTS = ((1.0, 1.25), (0.25, 0.3125), (0.0625, 0.0625))


def pairs(rng, level, count):
    """Gradients of a level and the next, of samples some of which are larger than others."""
    size = np.exp(0.5 * rng.standard_normal((count, 1)) - 0.25)
    first, second = rng.standard_normal((2, count, 50)) / np.sqrt(50)
    fine = size * first * np.sqrt(ALONE[level])
    if level == len(CORRELATION):
        return fine, np.zeros_like(fine)
    r = CORRELATION[level]
    mixed = r * first + np.sqrt(1.0 - r**2) * second
    return fine, size * mixed * np.sqrt(ALONE[level + 1])


def moments(fine, coarse):
    def product(a, b):
        return float(((a - a.mean(axis=0)) * (b - b.mean(axis=0))).sum() / (len(a) - 1))

    mean = (fine - coarse).mean(axis=0)
    own, other, both = product(fine, fine), product(coarse, coarse), product(fine, coarse)
    return TermMoments(mean, len(fine), own, other, both, 1.0)


def found_from(samples, seed):
    rng = np.random.default_rng(seed)
    groups = [
        tuple(moments(*pairs(rng, level, samples // 2 * 2**level)) for level in range(3))
        for _ in range(2)
    ]
    return estimate(groups)


def true_variance(sizes, weights):
    total, scale = 0.0, 1.0
    for level, size in enumerate(sizes):
        fine, weight = ALONE[level], weights[level] if level < len(weights) else 0.0
        coarse = ALONE[level + 1] if weight else 0.0
        shared = CORRELATION[level] * np.sqrt(fine * coarse) if weight else 0.0
        total += scale**2 * (fine - 2.0 * weight * shared + weight**2 * coarse) / size
        scale *= weight
    return total


def test_variances_of_many_samples_are_right():
    found = found_from(20_000, 0)
    np.testing.assert_allclose(found.variance, ALONE, rtol=0.05)
    wanted = [
        a + b - 2.0 * r * np.sqrt(a * b)
        for a, b, r in zip(ALONE, ALONE[1:], CORRELATION, strict=False)
    ]
    np.testing.assert_allclose(found.difference, [*wanted, 0.0], rtol=0.05)


@pytest.mark.parametrize("samples", [8, 32])
def test_steps_allocated_by_few_samples_are_as_certain_as_they_claim(samples):
    claims = []
    for seed in range(30):
        found = found_from(samples, seed)
        table = np.stack([found.variance, found.difference], axis=1)
        sizes, weights, *_ = allocate(table, COSTS, 16)
        assert len(sizes) > 1
        claims.append(true_variance(sizes, weights) * 16 / ALONE[0])
    assert np.mean(claims) == pytest.approx(1.0, abs=0.1)
    assert max(claims) < 1.3


def test_levels_that_do_not_vary_leave_the_others_alone():
    varies = TermMoments(np.ones(3), 4, 2.0, 0.0, 0.0, 1.0)
    still = TermMoments(np.ones(3), 4, 0.0, 0.0, 0.0, 1.0)
    found = estimate([(varies, still)] * 2)
    assert found.variance.tolist() == [2.0, 0.0]
    assert found.difference.tolist() == [2.0, 0.0]
    assert found.from_level(1).variance.tolist() == [0.0]
