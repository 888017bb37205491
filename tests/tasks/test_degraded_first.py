"""Pairs degraded first and then restricted, against restricting what the tasks make themselves."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ms import restriction, tasks
from keras_ms.tasks import degraded_first

SEED = tf.constant((3, 4))
NAMES = ("deblurring", "denoising", "inpainting", "super_resolution")


def images(count=3):
    rng = np.random.default_rng(0)
    return tf.constant(rng.uniform(-1.0, 1.0, (count, 32, 32, 2)), tf.float32)


def by_hand(task, clean, seed, times, by):
    pair = task.pair(task.draw(clean, seed))
    for _ in range(times):
        pair = tuple(restriction.get(by)(field) for field in pair)
    return pair


def both_ways(task, clean, by, seeds=(SEED, SEED)):
    wanted = by_hand(task, clean, seeds[0], 2, by)
    return wanted, degraded_first.restricted_pair(task, clean, seeds[1], 2, by)


@pytest.mark.parametrize("by", ["stride", "average"])
@pytest.mark.parametrize("name", NAMES)
def test_without_noise_it_is_the_restricted_pair(name, by):
    t = 1.0 if name == "denoising" else 0.0
    wanted, found = both_ways(tasks.get(name, t_range=(t, t)), images(), by)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("border", ["reflect", "circular"])
@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_blur_of_the_pixels_that_are_kept(border, sigma):
    task = tasks.Deblurring(sigma, (0.0, 0.0), border)
    wanted, found = both_ways(task, images(), "stride")
    np.testing.assert_allclose(found[0], wanted[0], atol=1e-5)


def moments(pair):
    x = np.asarray(pair[0], "float64")
    shapes = (x, x**2, x * np.roll(x, 1, 1), x * np.roll(x, 1, 2))
    return np.concatenate([part.reshape(len(x), -1) for part in shapes], axis=1)


@pytest.mark.parametrize("by", ["stride", "average"])
@pytest.mark.parametrize("name", NAMES)
def test_noise_has_the_distribution_of_noise_that_is_restricted(name, by):
    task = tasks.get(name, t_range=(0.3, 0.8), keep_contrast=name == "deblurring")
    many = tf.repeat(images(1), 1500, axis=0)
    wanted, found = map(moments, both_ways(task, many, by, (SEED, SEED + 1)))
    difference = found.mean(0) - wanted.mean(0)
    error = np.sqrt((found.var(0) + wanted.var(0)) / len(found)) + 1e-6
    assert np.max(np.abs(difference) / error) < 5.5


def test_one_that_is_told_the_noise_level_is_told_it():
    task = tasks.Deblurring(conditional=True)
    x, y = degraded_first.restricted_pair(task, images(), SEED, 1, "stride")
    assert (x["image"].shape, y.shape) == ((3, 16, 16, 2),) * 2
    np.testing.assert_array_equal(x["noise_level"], task.draw(images(), SEED)["t"])


def test_tasks_of_ones_own_are_restricted_as_they_are():
    class Own(tasks.Denoising):
        pass

    assert all(degraded_first.is_known(tasks.get(name)) for name in NAMES)
    assert not degraded_first.is_known(Own())
    assert degraded_first.commutes(tasks.Denoising(), "stride")
    assert not degraded_first.commutes(tasks.Denoising(), "average")
    assert not degraded_first.commutes(Own(), "stride")
    assert not degraded_first.commutes(tasks.Deblurring(), "stride")


def test_noise_of_the_finest_mesh_is_not_computed():
    """What results do not depend on is left out of a graph when it runs."""
    task = tasks.Deblurring()
    traced = tf.function(
        lambda clean: degraded_first.restricted_pair(task, clean, SEED, 2, "stride")
    ).get_concrete_function(tf.TensorSpec((4, 32, 32, 3)))
    needed, found = list(traced.outputs), {}
    while needed:
        operation = needed.pop().op
        if operation.name not in found:
            found[operation.name] = operation
            needed += operation.inputs
    drawn = [op for op in traced.graph.get_operations() if op.type == "Log"]
    assert [op.name in found for op in drawn] == [False, True]
