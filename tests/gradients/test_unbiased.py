"""The mean of many estimates is the gradient of the finest mesh, whatever the coarse problem."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, small_images, small_net

import keras_ms
from keras_ms.gradients import terms

DRAWS = 2000
SIDE = 32


class GradientMoments(keras.optimizers.SGD):
    """Sums gradients and their squares instead of descending."""

    def build(self, variables):
        super().build(variables)
        self.sums = [self.add_variable_from_reference(v, "sum") for v in variables]
        self.squares = [self.add_variable_from_reference(v, "square") for v in variables]

    def apply_gradients(self, grads_and_vars):
        for total, square, (grad, _) in zip(self.sums, self.squares, grads_and_vars, strict=True):
            total.assign_add(grad)
            square.assign_add(grad**2)

    def mean_and_error(self, draws):
        means = [total.numpy() / draws for total in self.sums]
        variances = [
            square.numpy() / draws - mean**2
            for square, mean in zip(self.squares, means, strict=True)
        ]
        return means, [np.sqrt(np.maximum(v, 0.0) / (draws - 1)) for v in variances]


def model_and_moments(dataset, net=None, draws=DRAWS):
    keras.utils.set_random_seed(5)
    model = keras_ms.MultiscaleModel(*(net or small_net()))
    optimizer = GradientMoments()
    optimizer.build(model.trainable_variables)
    model.compile(optimizer, "mse")
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


def blur_dataset(coarsening, **options):
    return keras_ms.MultiscaleDataset(
        small_images(side=SIDE), Blur(), (2, 4, 8), SIDE, DRAWS, coarsening, **options
    )


def every_example():
    """All that the finest mesh can ever show: six images, mirrored or not."""
    images = (small_images(side=SIDE) - 0.5) / 0.5
    return Blur().pair({"clean": tf.constant(np.concatenate([images, images[:, :, ::-1]]))})


@pytest.mark.parametrize("coarsening", ["task", "degrade_first", "crop", "coarsen_and_crop"])
def test_mean_estimate_is_the_fine_gradient(coarsening):
    model, means, errors = model_and_moments(blur_dataset(coarsening))
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) < 4


def test_strided_restriction_is_unbiased_too():
    model, means, errors = model_and_moments(blur_dataset("degrade_first", restriction="stride"))
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) < 4


def test_a_flipped_sign_is_found_out(monkeypatch):
    right = terms._side_losses

    def flipped(*args):
        as_fine, as_coarse = right(*args)
        return as_fine, -as_coarse

    monkeypatch.setattr(terms, "_side_losses", flipped)
    model, means, errors = model_and_moments(blur_dataset("task"))
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) > 4


def test_dropping_the_telescoping_sum_is_found_out():
    dataset = keras_ms.MultiscaleDataset(
        small_images(side=SIDE // 2), Blur(), (4,), SIDE // 2, DRAWS
    )
    model, means, errors = model_and_moments(dataset)
    assert max(deviations(means, full_batch_gradient(model, *every_example()), errors)) > 4


def test_own_pairs_in_a_fixed_order_are_unbiased():
    # As many examples as a step takes: were they not dealt out at random, every term would see
    # the same ones for ever.
    rng = np.random.default_rng(0)
    y = small_images(14, SIDE) * 2 - 1
    x = (0.6 * y + 0.4 * rng.normal(size=y.shape)).astype("float32")
    pairs = tf.data.Dataset.from_tensor_slices((x, y))
    dataset = keras_ms.MultiscaleDataset(pairs, levels=(2, 4, 8), steps_per_epoch=DRAWS)
    model, means, errors = model_and_moments(dataset)
    assert max(deviations(means, full_batch_gradient(model, x, y), errors)) < 4


TASKS = {
    "deblurring": {"sigma": 1.5},
    "denoising": {},
    "inpainting": {},
    "super_resolution": {"t_range": (0.0, 0.5)},
}


@pytest.mark.parametrize("coarsening", ["task", "degrade_first"])
@pytest.mark.parametrize("name", TASKS)
def test_every_task_with_fresh_draws_is_unbiased(name, coarsening):
    images, task = small_images(side=SIDE), keras_ms.tasks.get(name, **TASKS[name])
    inputs, outputs = small_net()
    if name == "super_resolution":
        outputs = keras.layers.UpSampling2D()(outputs)
    net, draws = (inputs, outputs), 400
    options = {"coarsening": coarsening}
    multiscale = keras_ms.MultiscaleDataset(images, task, (2, 4, 8), SIDE, draws, **options)
    single = keras_ms.MultiscaleDataset(images, task, (14,), SIDE, draws, seed=1)
    _, means, errors = model_and_moments(multiscale, net=net, draws=draws)
    _, fine_means, fine_errors = model_and_moments(single, net=net, draws=draws)
    both = [np.hypot(a, b) for a, b in zip(errors, fine_errors, strict=True)]
    assert max(deviations(means, fine_means, both)) < 4
