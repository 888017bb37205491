import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import small_images

import keras_ms
from apps.experiment.settings import Settings
from apps.strategies import progressive_resizing
from apps.strategies.progressive_resizing import resized, side_of


def test_half_then_a_ramp_then_full():
    progress = np.linspace(0.0, 1.0, 1001)
    sides = np.array([side_of(p, 128) for p in progress])
    assert set(sides[progress < 0.5]) == {64}
    assert set(sides[progress > 0.8]) == {128}
    assert np.all(np.diff(sides) >= 0)
    assert set(sides) == set(range(64, 129, 4))
    assert side_of(0.65, 128) == 96


@pytest.mark.parametrize("ratio", [1, 2])
def test_pairs_are_shrunk_by_nearest_neighbours(ratio):
    y = np.random.default_rng(0).random((2, 16, 16, 3), "float32")
    x = y[:, ::ratio, ::ratio]
    side = tf.Variable(8)
    pairs = iter(resized(tf.data.Dataset.from_tensors((x, y)).repeat(), side))
    small_x, small_y = (t.numpy() for t in next(pairs))
    assert small_y.shape == (2, 8, 8, 3)
    assert small_x.shape == (2, 8 // ratio, 8 // ratio, 3)
    assert np.isin(small_y, y).all()
    side.assign(16)  # seen by the very next batch
    same_x, same_y = next(pairs)
    np.testing.assert_array_equal(same_x, x)
    np.testing.assert_array_equal(same_y, y)


def test_noise_levels_are_left_alone():
    pair = ((np.ones((2, 8, 8, 3), "float32"), np.ones((2, 1), "float32")), np.ones((2, 8, 8, 3)))
    (x, t), _ = next(iter(resized(tf.data.Dataset.from_tensors(pair), tf.Variable(4))))
    assert (x.shape[1], t.shape) == (4, (2, 1))


def test_the_cost_is_that_of_the_batches_trained_on():
    seen = []

    class Spy(keras_ms.MultiscaleModel):
        def train_step(self, data):
            seen.append(int(data[0].shape[1]))
            return super().train_step(data)

    inputs = keras.Input((None, None, 3))
    model = Spy(inputs, keras.layers.Conv2D(3, 3, padding="same")(inputs))
    model.compile(keras.optimizers.Adam(1e-2), "mse", run_eagerly=True)
    settings = Settings(
        strategy="progressive_resizing",
        image_size=32,
        single_scale_batch=2,
        work_units=30.0,
        learning_rate=1e-2,
        validations=5,
    )
    task = keras_ms.tasks.Denoising()
    data = keras_ms.MultiscaleDataset(small_images(), task, (2,), 32)
    held_out = keras_ms.data.evaluation_pairs(small_images(), task, 32, samples=2)
    curve = progressive_resizing.fit(settings, model, data, held_out)
    assert curve.final.work_units == sum(2 * (side / 32) ** 2 for side in seen)
    assert 30.0 <= curve.final.work_units < 32.0
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (16, 32)
    assert float(model.optimizer.learning_rate) < 1e-3
