"""The variance that `diagnose` measures is that of steps."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import GradientMoments, small_images, small_net

import keras_ms
from keras_ms import LevelReport, diagnose
from keras_ms.levels import Stage


@pytest.fixture(scope="module")
def diagnosed():
    """A model, data, and what is found of them by many samples."""
    keras.utils.set_random_seed(7)
    data = keras_ms.MultiscaleDataset(
        small_images(200, 40), keras_ms.tasks.Denoising(t_range=(0.5, 1.0)), (2, 4, 8), 32, 300
    )
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    return model, data, diagnose(model, data, samples=512)


@pytest.mark.parametrize(("sizes", "weights"), [((1, 2, 8), (0.9, 0.5)), ((2, 6), ()), ((4,), ())])
def test_steps_vary_as_predicted(sizes, weights, diagnosed):
    model, data, found = diagnosed
    recorder = keras_ms.MultiscaleModel(model.inputs, model.outputs)
    optimizer = GradientMoments()
    optimizer.build(recorder.trainable_variables)
    recorder.compile(optimizer, "mse", steps_per_execution=50)
    data = data.replaced(stages=(Stage(0, sizes, weights), *data.stages[1:]))
    recorder.fit(data, initial_epoch=4, epochs=5, verbose=0)  # from step 1200 on: other samples
    _, errors = optimizer.mean_and_error(300)
    variance = 300 * sum(np.sum(error**2) for error in errors)
    predicted = found.sampling_variance(sizes, weights or None)
    assert variance == pytest.approx(predicted, rel=0.25)


def masks_dataset(levels=(4, 8), **options):
    rng = np.random.default_rng(0)
    empty = rng.random((24, 1, 1, 1)) < 0.6
    y = np.where(empty, 0.0, rng.random((24, 16, 16, 1)) < 0.3).astype("float32")
    x = rng.random((24, 16, 16, 3)).astype("float32")
    pairs = tf.data.Dataset.from_tensor_slices((x, y))
    return keras_ms.MultiscaleDataset(pairs, levels=levels, steps_per_epoch=4, **options)


def with_dice():
    inputs = keras.Input((None, None, 3))
    made = keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(inputs)
    model = keras_ms.MultiscaleModel(inputs, made)
    model.compile("sgd", keras.losses.Dice())
    return model


def test_losses_that_couple_samples_are_measured_and_advised_in_chunks(tmp_path):
    model, data = with_dice(), masks_dataset()
    found = diagnose(model, data, samples=32, batch_size=6)
    assert found.chunk == found.unit == 4
    assert found.samples == (64, 64)  # two chunks at least in each of eight groups
    assert all(size % 4 == 0 for size in found.batch_sizes)
    figures = {"variance": (1.0, 1.0), "difference": (0.05, found.difference[1])}
    seconds = {"seconds_per_sample": (1.0, 0.25), "fixed_seconds": (0.0, 0.0)}
    for batch in (64, 70, 80, 90):
        advised = dataclasses.replace(found, **figures, **seconds, batch_size=batch).batch_sizes
        assert len(advised) == 2
        assert advised[1] % advised[0] == 0  # or a run would refuse them
    assert "chunks of 4 samples" in str(found)
    # Of plain batches of 4, the variance is that of a sample over 4.
    gradients = []
    for batch in data.stage(0, batch_sizes=(4,)).take(60):
        x, y = batch.fine[0]
        with tf.GradientTape() as tape:
            loss = model.loss(y, model(x))
        variables = [v.value for v in model.trainable_variables]
        gradients.append(np.concatenate([np.ravel(g) for g in tape.gradient(loss, variables)]))
    wanted = 4.0 * np.var(gradients, axis=0, ddof=1).sum()
    assert found.variance[0] == pytest.approx(wanted, rel=0.5)
    found.save(tmp_path / "report.json")
    assert LevelReport.load(tmp_path / "report.json") == found
