import keras
import numpy as np
import pytest
from conftest import GradientRecorder, multiscale_batch, relative_error, small_images, small_net
from scipy.optimize import minimize

import keras_ms
from keras_ms.data.batch import weights_of_terms
from keras_ms.diagnostics.allocation import relative_costs
from keras_ms.diagnostics.control_weights import control_weights, weighted
from keras_ms.levels import Stage

COSTS = ((1.0, 1.25), (0.25, 0.3125), (0.0625, 0.0))


def random_problem(seed):
    """Variances of gradients with random correlations."""
    rng = np.random.default_rng(seed)
    alone = rng.uniform(0.5, 4.0, size=3)
    correlation = rng.uniform(0.3, 0.99, size=2)
    pairs = alone[:-1] + alone[1:] - 2 * correlation * np.sqrt(alone[:-1] * alone[1:])
    return tuple(zip(alone, [*pairs, 0.0], strict=True))


def cost_of(variances, weights):
    """Least cost times variance of all numbers of levels."""
    return min(relative_costs(weighted(variances, weights), COSTS))


@pytest.mark.parametrize("seed", range(30))
def test_closed_form_is_what_a_search_finds(seed):
    variances = random_problem(seed)
    found = cost_of(variances, control_weights(variances, COSTS))
    starts = ((1.0, 1.0), (0.5, 0.5), (0.9, 0.1))
    searched = min(
        minimize(lambda a: cost_of(variances, np.abs(a)), start, method="Nelder-Mead").fun
        for start in starts
    )
    assert found <= searched * (1 + 1e-6)
    assert found <= cost_of(variances, (1.0, 1.0)) * (1 + 1e-9)


def test_weights_of_one_are_the_telescoping_sum():
    variances = random_problem(3)
    np.testing.assert_allclose(weighted(variances, (1.0, 1.0)), variances)


def test_the_weighted_step_is_the_weighted_sum_of_gradients():
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(GradientRecorder(), "mse", run_eagerly=True)
    batch = multiscale_batch(sizes=(2, 3, 5))
    weights = weights_of_terms(3, Stage(0, (2, 3, 5), (0.7, 0.4)))
    model.train_step(batch._replace(weights=weights))

    def gradient(pair):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(pair[0]) - pair[1]))
        return tape.gradient(loss, [v.value for v in model.trainable_variables])

    f, c = [gradient(p) for p in batch.fine], [gradient(p) for p in batch.coarse[:2]]
    wanted = [
        f0 - 0.7 * c0 + 0.7 * (f1 - 0.4 * c1) + 0.28 * f2
        for f0, f1, f2, c0, c1 in zip(*f, *c, strict=True)
    ]
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5


def test_any_weights_leave_the_expectation_as_it_is():
    def mean_gradient(weights):
        keras.utils.set_random_seed(0)
        model = keras_ms.MultiscaleModel(*small_net())
        model.compile(GradientRecorder(), "mse", run_eagerly=True)
        data = keras_ms.MultiscaleDataset(
            small_images(),
            keras_ms.tasks.Denoising(t_range=(0.5, 1.0)),
            (48, 64),
            32,
            1,
            control_weights=weights,
        )
        drawn = []
        for batch in data.stage().take(24):
            model.train_step(batch)
            drawn.append(np.concatenate([np.ravel(g) for g in model.optimizer.recorded]))
        return np.mean(drawn, axis=0), np.var(drawn, axis=0, ddof=1) / len(drawn)

    (one, noise), (half, other_noise) = mean_gradient(None), mean_gradient((0.5,))
    z = (one - half) / np.sqrt(noise + other_noise)
    assert np.mean(z**2) < 2.0  # about 1 if both have one expectation
    (none, none_noise) = mean_gradient((0.0,))
    assert np.mean((one - none) ** 2 / (noise + none_noise)) < 2.0


def test_fit_with_weights_and_a_schedule():
    data = keras_ms.MultiscaleDataset(
        small_images(), keras_ms.tasks.Denoising(), (2, 4, 8), 32, 2, control_weights=(0.9, 0.5)
    )
    assert data.stage(2).element_spec.weights == ()
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 2), 2)
    history = model.fit(data, epochs=schedule.epochs, callbacks=[schedule], verbose=0).history
    assert np.all(np.isfinite(history["loss"]))


@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0, 1.0), (1.0, np.nan), 1.0, (1.0, "a")])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="one finite number per pair of levels"):
        keras_ms.MultiscaleDataset(
            small_images(), keras_ms.tasks.Denoising(), (2, 4, 8), 32, 2, control_weights=weights
        )


@pytest.mark.parametrize("wrong", [(1.0, 2.0), ((1.0, float("nan")),), ((1.0,),), "many", None])
def test_tables_that_are_none_are_refused(wrong):
    right = ((1.0, 0.1), (1.0, 0.0))
    for variances, costs in ((wrong, right), (right, wrong), (right, right[:1])):
        with pytest.raises(ValueError, match="Received"):
            control_weights(variances, costs)


def test_a_stage_may_have_weights_of_its_own():
    data = keras_ms.MultiscaleDataset(
        small_images(), keras_ms.tasks.Denoising(), (2, 4, 8), 32, 2, control_weights=(0.9, 0.5)
    )
    batch = next(iter(data.stage(1, 0, (3, 6), (0.25,))))
    assert batch.weights[:2] == ((), ())
    np.testing.assert_array_equal(batch.weights[2], np.full(6, 0.25))
    assert next(iter(data.stage(1, 0, (3, 6), (1.0,)))).weights == ()  # the plain sum
    assert next(iter(data.stage(1, 0, (3, 6)))).weights[2][0] == 0.5  # the data's own
    with pytest.raises(ValueError, match="one finite number per pair of levels"):
        data.stage(1, 0, (3, 6), (0.9, 0.5))
