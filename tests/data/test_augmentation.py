"""Augmentation of a dataset: by layers and by functions of one's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms

RNG = np.random.default_rng(0)
SIDE = 16
UNIT = (0.0, 1.0)
LAYERS = keras.layers


def brightness():
    return LAYERS.RandomBrightness(0.3, value_range=UNIT)


def test_batches_of_a_dataset_are_alike_on_both_sides_and_the_same_for_seed_and_step():
    x = np.broadcast_to(RNG.random((8, 1, 1, 3)), (8, SIDE, SIDE, 3)).astype("float32")
    y = RNG.integers(0, 3, (8, SIDE, SIDE)).astype("uint8")

    def taken():
        layer = LAYERS.Pipeline([brightness(), LAYERS.RandomInvert(1.0, value_range=UNIT)])
        made = keras_ms.MultiscaleDataset((x, y), levels=(4, 6), augment=layer, seed=5)
        return list(made.stage(0).take(3).as_numpy_iterator())

    plain = keras_ms.MultiscaleDataset((x, y), levels=(4, 6), seed=5).stage(0).take(3)
    for one, again, bare in zip(taken(), taken(), plain.as_numpy_iterator(), strict=True):
        np.testing.assert_array_equal(one.fine[0][0], again.fine[0][0])
        np.testing.assert_array_equal(one.fine[0][1], bare.fine[0][1])
        np.testing.assert_allclose(one.fine[0][0][:, 0, 0], one.coarse[0][0][:, 0, 0], atol=1e-5)
        assert np.abs(one.fine[0][0] - bare.fine[0][0]).max() > 0.05


def test_a_function_may_call_layers_and_draw_by_state():
    layer = LAYERS.RandomBrightness(0.3, value_range=UNIT)

    def brighter(pair, seed):
        shift = tf.random.uniform((pair[0].shape[0], 1, 1, 1), 0.1, 0.2)
        if tf.reduce_max(shift) > 1:  # a condition of the graph
            shift = tf.zeros_like(shift)
        return layer(pair[0], training=True) + shift, pair[1]

    x = np.broadcast_to(RNG.random((8, 1, 1, 3)), (8, SIDE, SIDE, 3)).astype("float32")
    made = keras_ms.MultiscaleDataset((x, x), levels=(4, 6), augment=brighter)
    batch = next(iter(made.stage(0)))
    np.testing.assert_allclose(batch.fine[0][0][:, 0, 0], batch.coarse[0][0][:, 0, 0], atol=1e-5)
    assert np.abs(batch.fine[0][0] - batch.fine[0][1]).max() > 0.01


def test_a_function_that_draws_by_numpy_is_refused():
    x = RNG.random((2, SIDE, SIDE, 3)).astype("float32")
    with pytest.raises(ValueError, match="the same whenever it gets the same pair and seed"):
        keras_ms.MultiscaleDataset(
            (x, x), levels=(1, 2), augment=lambda pair, seed: (pair[0] * np.random.rand(), pair[1])
        )


def test_of_several_inputs_the_image_is_changed_and_two_images_are_refused():
    x = RNG.random((4, SIDE, SIDE, 3)).astype("float32")
    layer = LAYERS.RandomInvert(1.0, value_range=UNIT)
    inputs = {"age": np.arange(4.0), "photo": x}
    made = keras_ms.MultiscaleDataset((inputs, x), levels=(4,), augment=layer)
    (found, y), *_ = next(iter(made.stage(0))).fine
    assert np.abs(found["photo"] - y).max() > 0.05
    assert set(found["age"].numpy()) <= set(range(4))
    with pytest.raises(ValueError, match="2 images among the inputs"):
        keras_ms.MultiscaleDataset(({"a": x, "b": x}, x), levels=(4,), augment=layer)


def test_bytes_are_changed_in_their_own_range():
    x = RNG.integers(0, 256, (4, SIDE, SIDE, 3), dtype="uint8")
    layer = LAYERS.RandomBrightness(0.2)
    made = keras_ms.MultiscaleDataset((x, x[..., 0]), levels=(4,), augment=layer)
    (found, _), *_ = next(iter(made.stage(0))).fine
    assert 100 < found.numpy().max() <= 255


@pytest.mark.parametrize(
    ("values", "layer"),
    [
        ((0.0, 1.1), brightness()),
        ((-2.0, 2.0), LAYERS.RandomContrast(0.3, value_range=(-2.0, 2.0))),
        ((0.0, 0.0), LAYERS.RandomBrightness(0.3)),
    ],
    ids=["a bit more than 1", "standardised", "black"],
)
def test_images_of_other_ranges_may_be_augmented(values, layer):
    x = RNG.uniform(*values, (2, SIDE, SIDE, 3)).astype("float32")
    keras_ms.MultiscaleDataset((x, x), levels=(2,), augment=layer)


def test_half_precision_of_a_layer_changes_no_type():
    x = RNG.random((2, SIDE, SIDE, 3)).astype("float32")
    layer = LAYERS.RandomContrast(0.3, value_range=UNIT, dtype="mixed_float16")
    made = keras_ms.MultiscaleDataset((x, x), levels=(1, 2), augment=layer)
    assert next(iter(made.stage(0))).fine[0][0].dtype == "float32"


def test_volumes_are_augmented_by_a_layer_for_volumes():
    class Shade(keras.layers.Layer):
        """One factor for every volume."""

        def __init__(self):
            super().__init__()
            self.seeds = keras.random.SeedGenerator(1)

        def call(self, volumes):
            shape = (volumes.shape[0], 1, 1, 1, 1)
            return volumes * keras.random.uniform(shape, 0.5, 1.0, seed=self.seeds)

    shades = np.linspace(0.1, 0.9, 4, dtype="float32").reshape(4, 1, 1, 1, 1)
    x = np.broadcast_to(shades, (4, 16, 16, 16, 1))
    made = keras_ms.MultiscaleDataset((x, x), levels=(2, 3), augment=Shade())
    batch = next(iter(made.stage(0)))
    found = batch.fine[0][0][:, 0, 0, 0, 0]
    np.testing.assert_allclose(found, batch.coarse[0][0][:, 0, 0, 0, 0], atol=1e-6)
    assert np.abs(found - batch.fine[0][1][:, 0, 0, 0, 0]).max() > 0.01
    with pytest.raises(ValueError, match="fails on images of shape"):
        keras_ms.MultiscaleDataset((x, x), levels=(2, 3), augment=brightness())
