"""The mean of many estimates is the gradient of the finest mesh, whatever the coarse problem.

What decides how small an error is found is the number of samples, not that of steps: so steps are
few and large (4000 samples on the finest mesh), and many of them run in one execution.
"""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, GradientMoments, small_images, small_net

import keras_ms
from keras_ms.gradients import terms

DRAWS = 250
SIZES = (16, 32, 64)
SIDE = 32


def model_and_moments(dataset, net=None, draws=DRAWS):
    keras.utils.set_random_seed(5)
    model = keras_ms.MultiscaleModel(*(net or small_net()))
    optimizer = GradientMoments()
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mse", steps_per_execution=50)
    model.fit(dataset, verbose=0)
    return model, *optimizer.mean_and_error(draws)


def full_batch_gradient(model, x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean((model(x) - y) ** 2)
    return [g.numpy() for g in tape.gradient(loss, [v.value for v in model.trainable_variables])]


def deviations(means, wanted, errors):
    """Largest deviation of each group of coordinates (one variable each), in standard errors."""
    groups = zip(means, wanted, errors, strict=True)
    return [float(np.max(np.abs(mean - exact) / error)) for mean, exact, error in groups]


def photographs():
    """Fewer than a step takes, and no divisor of it: batches differ in what they hold."""
    return small_images(48, SIDE)


def blur_dataset(coarsening, **options):
    return keras_ms.MultiscaleDataset(
        photographs(), Blur(), SIZES, SIDE, DRAWS, coarsening, **options
    )


def every_example():
    """All that the finest mesh can ever show: the images, mirrored or not."""
    images = (photographs() - 0.5) / 0.5
    return Blur().pair({"clean": tf.constant(np.concatenate([images, images[:, :, ::-1]]))})


@pytest.mark.parametrize("coarsening", ["task", "degrade_first", "crop", "coarsen_and_crop"])
def test_mean_estimate_is_the_fine_gradient(coarsening):
    model, means, errors = model_and_moments(blur_dataset(coarsening))
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) < 4


def test_strided_restriction_is_unbiased_too():
    model, means, errors = model_and_moments(blur_dataset("degrade_first", restriction="stride"))
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) < 4


def test_a_flipped_sign_is_found_out(monkeypatch):
    right = terms.side_gradients

    def flipped(model, fine, coarse):
        """The loss of the coarse side is added to that of the fine one, not taken from it."""
        of_coarse, _ = terms.finest_gradients(model, coarse)
        return terms.added(right(model, fine, coarse), terms.scaled(of_coarse, 2.0))

    monkeypatch.setattr(terms, "side_gradients", flipped)
    model, means, errors = model_and_moments(blur_dataset("task"))
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) > 4


def test_dropping_the_telescoping_sum_is_found_out():
    dataset = keras_ms.MultiscaleDataset(
        small_images(48, SIDE // 2), Blur(), (32,), SIDE // 2, DRAWS
    )
    model, means, errors = model_and_moments(dataset)
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) > 4


def test_own_pairs_in_a_fixed_order_are_unbiased():
    # As many examples as a step takes: were they not dealt out at random, every term would see
    # the same ones for ever.
    rng = np.random.default_rng(0)
    y = small_images(sum(SIZES), SIDE) * 2 - 1
    x = (0.6 * y + 0.4 * rng.normal(size=y.shape)).astype("float32")
    pairs = tf.data.Dataset.from_tensor_slices((x, y))
    dataset = keras_ms.MultiscaleDataset(pairs, levels=SIZES, steps_per_epoch=DRAWS)
    model, means, errors = model_and_moments(dataset)
    assert max(deviations(means, full_batch_gradient(model, x, y), errors)) < 4


TASKS = {
    "deblurring": {"sigma": 1.5},
    "denoising": {},
    "inpainting": {},
    "super_resolution": {"t_range": (0.0, 0.5)},
}


FRESH = 100
"""Steps of 8 samples on the finest mesh, and as many of all the 56 samples there."""


def moments_of_task(name, sizes, **options):
    task = keras_ms.tasks.get(name, **TASKS[name])
    keras.utils.set_random_seed(5)  # the same network for every dataset
    inputs, outputs = small_net()
    if name == "super_resolution":
        outputs = keras.layers.UpSampling2D()(outputs)
    images = small_images(24, SIDE)
    dataset = keras_ms.MultiscaleDataset(images, task, sizes, SIDE, FRESH, **options)
    _, means, errors = model_and_moments(dataset, net=(inputs, outputs), draws=FRESH)
    return means, errors


@functools.cache
def moments_on_the_finest_mesh(name):
    return moments_of_task(name, (56,), seed=1)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("coarsening", ["task", "degrade_first"])
def test_every_task_with_fresh_draws_is_unbiased(name, coarsening):
    means, errors = moments_of_task(name, (8, 16, 32), coarsening=coarsening)
    fine_means, fine_errors = moments_on_the_finest_mesh(name)
    both = [np.hypot(a, b) for a, b in zip(errors, fine_errors, strict=True)]
    assert max(deviations(means, fine_means, both)) < 4
