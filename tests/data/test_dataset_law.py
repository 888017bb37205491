"""The law of the telescoping sum: a level is the same distribution in both terms it occurs in."""

import numpy as np
import pytest
import tensorflow as tf
from by_hand import assert_standard_normal, block_mean, central_half, chi_square

import keras_ms
from keras_ms.tasks import Denoising

SIZES = (40, 41, 42, 43)
SIDE = 64
STEPS = 12
HALVE = {
    "task": (block_mean, block_mean, block_mean),
    "degrade_first": (block_mean, block_mean, block_mean),
    "crop": (central_half, central_half, central_half),
    "coarsen_and_crop": (block_mean, central_half, block_mean),
}
ALIGNMENT = {"task": 8, "degrade_first": 1, "crop": 1, "coarsen_and_crop": 4}


class Clean(Denoising):
    def pair(self, example):
        return example["clean"], example["clean"]


def tiny_image(step):
    """An image with three by two aligned positions of the crop, and a rest to be trimmed."""
    shape = (SIDE + 2 * step + step // 2, SIDE + step + step // 2, 1)
    return np.random.default_rng(0).random(shape).astype("float32")


def possible_windows(image, step, halve):
    """All that each level can see, by NumPy: every aligned crop, mirrored or not, halved."""
    corners = [(i, j) for i in (0, step, 2 * step) for j in (0, step)]
    crops = np.stack([image[i : i + SIDE, j : j + SIDE] for i, j in corners])
    levels = [np.concatenate([crops, crops[:, :, ::-1]]) * 2.0 - 1.0]
    for restrict in halve:
        levels.append(restrict(levels[-1]))
    return levels


def frequencies(samples, windows):
    """How often each possible window was seen; every sample must be one of them."""
    samples, windows = (part.reshape(len(part), -1) for part in (samples, windows))
    distance = np.max(np.abs(samples[:, None] - windows[None]), axis=2)
    assert np.max(np.min(distance, axis=1)) < 1e-5
    return np.bincount(np.argmin(distance, axis=1), minlength=len(windows))


def streams(batches, side):
    return [np.concatenate([getattr(b, side)[lv][0] for b in batches]) for lv in range(len(SIZES))]


def take(dataset, steps):
    return list(dataset.stage().take(steps).as_numpy_iterator())


@pytest.mark.parametrize("coarsening", HALVE)
def test_both_occurrences_of_a_level_are_uniform_over_the_same_crops(coarsening):
    step, halve = ALIGNMENT[coarsening], HALVE[coarsening]
    image = tiny_image(step)
    dataset = keras_ms.MultiscaleDataset([image], Clean(), SIZES, SIDE, 4, coarsening)
    batches = take(dataset, STEPS)
    fine = streams(batches, "fine")
    coarse = [np.concatenate([b.coarse[lv][0] for b in batches]) for lv in range(3)]
    for level, windows in enumerate(possible_windows(image, step, halve)):
        for samples in (fine[level], *(coarse[level - 1 : level] if level else ())):
            assert len(samples) >= STEPS * 40
            assert chi_square(frequencies(samples, windows)) < 31.3  # 11 degrees, p = .001


@pytest.mark.parametrize(
    ("coarsening", "deviations"),
    [
        ("task", (1.0, 1.0, 1.0)),
        ("crop", (1.0, 1.0, 1.0)),
        ("coarsen_and_crop", (1.0, 1.0, 1.0)),
        ("degrade_first", (1.0, 0.5, 0.25)),  # averaging removes noise: the paper's coarsening
    ],
)
def test_noise_has_the_same_moments_in_both_occurrences_of_a_level(coarsening, deviations):
    images = np.full((4, 40, 40, 1), 0.5, np.float32)
    task = Denoising(t_range=(0.0, 0.0))
    dataset = keras_ms.MultiscaleDataset(images, task, (8, 9, 20), 32, 4, coarsening)
    batches = take(dataset, 8)
    for level, deviation in enumerate(deviations):
        occurrences = [[b.fine[level][0] for b in batches]]
        if level:
            occurrences.append([b.coarse[level - 1][0] for b in batches])
        for noise in occurrences:
            white = np.concatenate(noise) / deviation
            assert_standard_normal(white)
            products = white[:, 1:] * white[:, :-1]
            assert abs(products.mean()) < 5.0 / np.sqrt(products.size)


@pytest.mark.parametrize("coarsening", HALVE)
def test_noise_levels_are_uniform_and_every_sample_draws_its_own(coarsening):
    images = np.full((4, 16, 16, 1), 0.5, np.float32)
    dataset = keras_ms.MultiscaleDataset(
        images, Denoising(conditional=True), (100, 200), 16, 4, coarsening
    )
    batches = take(dataset, 10)
    for side, level in (("fine", 0), ("coarse", 0), ("fine", 1)):
        t = np.concatenate([getattr(b, side)[level][0]["noise_level"] for b in batches])
        assert len(np.unique(t)) > 0.99 * t.size
        assert chi_square(np.histogram(t, 10, (0.0, 1.0))[0]) < 27.9  # 9 degrees, p = .001


def test_own_pairs_are_dealt_to_the_terms_evenly():
    # As many examples as a step takes, in a fixed order: term 0 must see each equally often.
    y = np.arange(6)
    x = np.ones((6, 16, 16, 1), np.float32) * y[:, None, None, None]
    pairs = tf.data.Dataset.from_tensor_slices((x, y))
    dataset = keras_ms.MultiscaleDataset(pairs, levels=(2, 4))
    batches = take(dataset, 300)
    for level in range(2):
        labels = np.concatenate([b.fine[level][1] for b in batches])
        assert chi_square(np.bincount(labels, minlength=6)) < 20.5  # 5 degrees, p = .001
        images = np.concatenate([b.fine[level][0] for b in batches])
        np.testing.assert_array_equal(images[:, 0, 0, 0], labels)
    coarse = np.concatenate([b.coarse[0][0] for b in batches])[:, 0, 0, 0]
    np.testing.assert_array_equal(coarse, np.concatenate([b.fine[0][1] for b in batches]))
