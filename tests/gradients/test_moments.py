"""The streamed moments against per-sample gradients written out one by one."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images, small_net

import keras_ms
from keras_ms.gradients.estimates import estimate, standard_errors
from keras_ms.gradients.moments import MomentMeter, TermMoments

LEVELS = (2, 3, 4)


def dataset(**options):
    task = keras_ms.tasks.Denoising(t_range=(0.5, 1.0))
    return keras_ms.MultiscaleDataset(small_images(), task, LEVELS, 32, 4, **options)


def compiled(net=None, **options):
    model = keras_ms.MultiscaleModel(*(net or small_net()))
    model.compile("adam", "mse", **options)
    return model


def one_by_one(model, pair):
    """Gradient of every sample's loss, `(samples, parameters)`."""

    @tf.function(reduce_retracing=True)
    def gradient(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x) - y))
        found = tape.gradient(loss, [v.value for v in model.trainable_variables])
        return tf.concat([tf.reshape(g, (-1,)) for g in found], axis=0)

    samples = range(len(pair[0]))
    return np.array([gradient(*(part[i : i + 1] for part in pair)) for i in samples], np.float64)


def by_hand(model, batch, level):
    fine = one_by_one(model, batch.fine[level])
    coarse = batch.coarse[level]
    return fine, one_by_one(model, coarse) if coarse else np.zeros_like(fine)


def test_moments_are_those_of_gradients_taken_one_by_one():
    model, data = compiled(), dataset()
    found = next(MomentMeter(model, data).groups((5, 6, 7), start=3))
    batch = next(iter(data.stage(0, 3, (5, 6, 7))))
    for level, term in enumerate(found):
        fine, coarse = by_hand(model, batch, level)
        assert term.samples == len(fine) == (5, 6, 7)[level]
        np.testing.assert_allclose(term.mean, (fine - coarse).mean(axis=0), rtol=1e-4, atol=1e-6)
        for value, f, c in (
            (term.fine, fine, fine),
            (term.coarse, coarse, coarse),
            (term.covariance, fine, coarse),
        ):
            covariance = np.sum((f - f.mean(axis=0)) * (c - c.mean(axis=0))) / (len(f) - 1)
            assert value == pytest.approx(covariance, rel=1e-4, abs=1e-9)


def test_part_of_the_hierarchy_and_the_same_step_the_same_samples():
    model, data = compiled(), dataset()
    meter = MomentMeter(model, data)
    first, again = (next(meter.groups((4, 4), finest=1, start=5)) for _ in range(2))
    assert len(first) == 2
    np.testing.assert_array_equal(first[0].mean, again[0].mean)
    other = next(meter.groups((4, 4), finest=1, start=6))
    assert np.abs(first[0].mean - other[0].mean).max() > 0.0


def test_measuring_leaves_the_model_as_it_was():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, padding="same")(inputs))
    outputs = keras.layers.Conv2D(3, 3, padding="same")(keras.layers.Dropout(0.5)(hidden))
    model = compiled((inputs, outputs), metrics=["mae"])
    data = dataset()
    model.fit(data.replaced(steps_per_epoch=1), epochs=1, verbose=0)
    before = [v.numpy() for v in [*model.variables, *model.metrics_variables]]
    steps = int(model.optimizer.iterations)
    next(MomentMeter(model, data).groups((4, 6, 8)))
    after = [v.numpy() for v in [*model.variables, *model.metrics_variables]]
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)
    assert int(model.optimizer.iterations) == steps


def test_dropout_is_drawn_anew_for_every_sample():
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(3, 3, padding="same")(keras.layers.Dropout(0.5)(inputs))
    model = compiled((inputs, outputs))
    # One image without any other randomness: all variance is the dropout's.
    pairs = tf.data.Dataset.from_tensors((tf.ones((32, 32, 3)), tf.zeros((32, 32, 3))))
    data = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=1)
    found = next(MomentMeter(model, data).groups((4, 4)))
    assert found[0].fine > 0.0
    assert abs(found[0].covariance) < 0.9 * found[0].fine


def test_dropout_is_drawn_anew_for_every_group_but_follows_from_the_state():
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.Conv2D(3, 3, padding="same")(keras.layers.Dropout(0.5)(inputs))
    model = compiled((inputs, outputs))
    pairs = tf.data.Dataset.from_tensors((tf.ones((32, 32, 3)), tf.zeros((32, 32, 3))))
    data = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=1)
    groups = MomentMeter(model, data).groups((4, 4))
    first, second = next(groups), next(groups)
    assert np.abs(first[0].mean - second[0].mean).max() > 0.0
    again = next(MomentMeter(model, data).groups((4, 4)))
    np.testing.assert_array_equal(first[0].mean, again[0].mean)
    model.fit(data, epochs=1, verbose=0)  # training draws masks of its own
    after = next(groups)
    anew = next(MomentMeter(model, data).groups((4, 4)))
    np.testing.assert_array_equal(after[0].mean, anew[0].mean)


def test_batch_normalization_is_measured_in_whole_batches():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, padding="same")(inputs))
    model = compiled((inputs, keras.layers.Conv2D(3, 3, padding="same")(hidden)))
    data = dataset()
    found = next(MomentMeter(model, data).groups((6, 6, 8), start=1))
    batch = next(iter(data.stage(0, 1, (6, 6, 8))))
    gradients = []
    for part in range(3):  # batches of 2, the size of level 0
        x, y = (tensor[2 * part : 2 * part + 2] for tensor in batch.fine[0])
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True) - y))
        variables = [v.value for v in model.trainable_variables]
        gradients.append(np.concatenate([np.ravel(g) for g in tape.gradient(loss, variables)]))
    wanted = 2.0 * np.var(gradients, axis=0, ddof=1).sum()
    assert found[0].fine == pytest.approx(wanted, rel=1e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_gradients_are_not_scaled(policy):
    reference = compiled()
    keras.config.set_dtype_policy(policy)
    try:
        mixed = compiled()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(reference.get_weights())
    data = dataset()
    wanted = next(MomentMeter(reference, data).groups((8, 8, 8)))
    found = next(MomentMeter(mixed, data).groups((8, 8, 8)))
    assert found[2].fine == pytest.approx(wanted[2].fine, rel=0.1)


def test_a_sample_alone_overflows_no_sooner_than_a_batch():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = compiled()
    finally:
        keras.config.set_dtype_policy("float32")
    data = dataset()
    wanted = next(MomentMeter(model, data).groups((8, 8, 8)))
    x, y = next(iter(data.stage(0, batch_sizes=(16,)))).fine[0]
    scale = model.optimizer.dynamic_scale
    while np.isfinite(float(largest(model, x, y))):  # of the batch, as training raises it
        scale.assign(scale * 1.1)
    scale.assign(scale / 1.1)
    found = next(MomentMeter(model, data).groups((8, 8, 8)))
    assert found[0].fine == pytest.approx(wanted[0].fine, rel=0.1)


def largest(model, x, y):
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True))
        scaled = model.optimizer.scale_loss(loss)
    gradients = tape.gradient(scaled, [v.value for v in model.trainable_variables])
    return max(np.max(np.abs(g)) if np.all(np.isfinite(g)) else np.inf for g in gradients)


def synthetic(mean, noise, groups=200, samples=8, seed=0):
    """Groups of one level's moments whose mean and variance are known."""
    rng = np.random.default_rng(seed)
    for _ in range(groups):
        draws = mean + noise * rng.standard_normal((samples, len(mean)))
        variance = draws.var(axis=0, ddof=1).sum()
        yield (TermMoments(draws.mean(axis=0), samples, variance, 0.0, 0.0, 1.0),)


def test_squares_of_means_are_unbiased_and_errors_honest():
    mean = np.array([0.03, -0.04, 0.0])
    found, errors = [], []
    for seed in range(100):
        groups = list(synthetic(mean, 0.3, groups=6, seed=seed))
        found.append(estimate(groups).squared_norm[0])
        errors.append(standard_errors(groups, lambda some: estimate(some).squared_norm)[0])
    # Without the subtraction it would be .0025 + 3 * .09 / 48 = .0081.
    assert np.mean(found) == pytest.approx(0.0025, abs=4 * np.std(found) / 10)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(found), rel=0.4)


def test_samples_that_depend_on_each_other_do_not_bias_squares():
    # Without replacement every group holds all images, so its mean is exact, however they vary.
    mean = np.array([0.3, -0.4], np.float32)
    groups = [(TermMoments(mean, 8, 50.0, 0.0, 0.0, 1.0),)] * 3
    assert estimate(groups).squared_norm[0] == pytest.approx(0.25)


def test_bias_is_that_of_the_mean_gradients():
    model, data = compiled(), dataset()
    found = estimate(list(itertools.islice(MomentMeter(model, data).groups((64, 64, 64)), 4)))
    batch = next(iter(data.stage(0, 7, (256, 256, 256))))
    terms = [by_hand(model, batch, level) for level in range(2)]
    bias = terms[0][0].mean(axis=0) - terms[0][1].mean(axis=0)
    noise = (terms[0][0] - terms[0][1]).var(axis=0, ddof=1).sum() / 256
    assert found.squared_bias[1] == pytest.approx(np.sum(bias**2) - noise, rel=0.5)
    assert found.squared_bias[0] == 0.0
    correlation = np.sum((terms[0][0] - terms[0][0].mean(0)) * (terms[0][1] - terms[0][1].mean(0)))
    correlation /= np.prod([np.sqrt(np.sum((g - g.mean(0)) ** 2)) for g in terms[0]])
    assert found.correlation[0] == pytest.approx(correlation, abs=0.05)


@pytest.mark.parametrize("why", ["not compiled", "no trainable weights"])
def test_models_without_gradients_are_refused(why):
    model = keras_ms.MultiscaleModel(*small_net())
    if why != "not compiled":
        model.trainable = False
        model.compile("adam", "mse")
    with pytest.raises(ValueError, match=why):
        MomentMeter(model, dataset())
