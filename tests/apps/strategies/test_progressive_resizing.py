import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images

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


def test_masks_are_shrunk_with_their_pictures_and_stay_classes():
    y = np.random.default_rng(0).integers(0, 9, (2, 16, 24)).astype("uint8")
    x = np.repeat(y[..., np.newaxis], 3, axis=-1).astype("float32")
    small_x, small_y = next(iter(resized(tf.data.Dataset.from_tensors((x, y)), tf.Variable(8))))
    assert (small_y.shape, small_y.dtype) == ((2, 8, 12), tf.uint8)
    np.testing.assert_array_equal(small_x[..., 0], small_y)


def test_statistics_come_from_whole_images():
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.BatchNormalization(momentum=0.5)(image))
    data = pair_dataset((2,), steps=1)
    callback = progressive_resizing.RefreshFrom(data)
    callback.set_model(model)
    callback.on_test_begin()
    wanted = [np.mean(batch.fine[0][0]) for batch in data.stage(0).take(16)]
    assert np.mean(model.layers[-1].moving_mean) == pytest.approx(np.mean(wanted), rel=1e-4)


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
