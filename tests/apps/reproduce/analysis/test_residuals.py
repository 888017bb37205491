import numpy as np
import pytest

from apps.reproduce.analysis import residuals, telescoping_error
from keras_ms.gradients.moments import TermMoments


def moments(fine, coarse):
    """Moments of samples' gradients `(samples, parameters)`, as the meter streams them."""

    def summed(a, b):
        return float(np.sum((a - a.mean(axis=0)) * (b - b.mean(axis=0))) / (len(a) - 1))

    mean = (fine - coarse).mean(axis=0)
    found = (summed(fine, fine), summed(coarse, coarse), summed(fine, coarse))
    return TermMoments(mean, len(fine), *found, loss=0.0)


def groups_of_two_levels(bias, spread, groups=8, samples=2000, parameters=3):
    """Coarse gradients of variance 1 a parameter about 0, and fine ones that differ by a bias and
    a spread, the latter independent."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(groups):
        own, alone = (rng.normal(size=(samples, parameters)) for _ in range(2))
        difference = bias + spread * rng.normal(size=(samples, parameters))
        found.append((moments(own + difference, own), moments(alone, np.zeros_like(alone))))
    return found


def test_residuals_of_samples_and_of_means_are_told_apart():
    found = residuals.of_groups(groups_of_two_levels(bias=0.2, spread=0.5))
    assert found.sample[0] == pytest.approx(np.sqrt(3 * (0.25 + 0.04)), rel=0.02)
    assert found.mean[0] == pytest.approx(np.sqrt(3 * 0.04), rel=0.03)
    assert found.norm[0] == pytest.approx(np.sqrt(3 * (1.0 + 0.25 + 0.04)), rel=0.02)
    assert found.norm[1] == pytest.approx(np.sqrt(3.0), rel=0.02)
    assert 0.0 < found.sample_error[0] < 0.02


def test_errors_of_sums_add_levels_on_the_fine_side():
    np.testing.assert_allclose(telescoping_error.errors([1.0, 2.0, 4.0]), [4.0, 6.0, 7.0])


def test_bounds_grow_with_every_crop_and_end_with_coarsening():
    crops = telescoping_error.cropping_bound([9.0, 2.0, 2.0, 2.0])
    np.testing.assert_allclose(crops, [3.0, 6.0, 9.0])  # (1 - 1/4) (2 + 2) each
    coarse = telescoping_error.coarsening_bound([1.0, 3.0, 4.0])  # C = 3 / 2
    np.testing.assert_allclose(coarse, [6.0, 9.0, 10.5])
