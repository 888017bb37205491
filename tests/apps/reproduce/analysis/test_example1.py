import numpy as np
import pytest

from apps.reproduce.analysis import example1


def waves(points, signals=6, seed=0):
    """Smooth signals sampled at the middles of pixels, so that means of two are nearly samples."""
    rng = np.random.default_rng(seed)
    places = (np.arange(points) + 0.5) / points
    phases = rng.uniform(0.0, 2.0 * np.pi, (signals, 1))
    return np.sin(2.0 * np.pi * (1 + np.arange(signals))[:, np.newaxis] * places + phases)


def test_gradient_is_that_of_the_loss_by_finite_differences():
    rng = np.random.default_rng(1)
    x, y, w = rng.normal(size=(2, 9)), rng.normal(size=(2, 9)), rng.normal(size=3)

    def loss(weights):
        made = weights[0] * x[:, :-2] + weights[1] * x[:, 1:-1] + weights[2] * x[:, 2:]
        return 0.5 * np.mean((made - y[:, 1:-1]) ** 2, axis=1)

    found = example1.normal(x, y).gradients(w[np.newaxis])[:, 0]
    steps = 1e-5 * np.eye(3)
    wanted = np.stack([(loss(w + s) - loss(w - s)) / 2e-5 for s in steps], axis=1)
    np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)


def test_coarse_signals_are_interpolated_halfway():
    signals = np.array([[0.0, 2.0, 4.0, 8.0]])
    np.testing.assert_allclose(example1.coarser(signals), [[1.0, 6.0]])
    assert [mesh.shape[1] for mesh in example1.meshes(np.zeros((1, 64)), 8)] == [64, 32, 16, 8]


def test_differences_vanish_with_h_for_smooth_signals_and_not_for_noise():
    weights = np.array([[0.3, -0.2, 1.1]])
    clean = example1.differences(waves(256), 0.0, weights, 16, seed=0)
    assert clean.points == (256, 128, 64, 32)
    ratios = clean.mean[1:] / clean.mean[:-1]
    assert np.all(ratios > 1.8)  # O(h): at least twice as much on twice as wide pixels
    # Means of two halve the variance, so the matrix differs by the noise's.
    noisy = example1.differences(np.zeros((200, 256)), 1.0, weights, 16, seed=0)
    assert noisy.mean[0] == pytest.approx(0.5 * np.linalg.norm(weights), rel=0.2)


def test_lines_are_grey_pixels_of_pictures_that_are_wide_enough():
    white, black = np.full((4, 8, 3), 255, "uint8"), np.zeros((4, 16, 3), np.float32)
    found = example1.lines([white, black], 16, 5, seed=0)
    np.testing.assert_array_equal(found, -np.ones((5, 16)))
    assert example1.longest([white, black, black], 256) == 16
