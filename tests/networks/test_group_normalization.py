"""Our group normalisation is Keras's, summed in another order."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ms.networks.group_normalization import GroupNormalization


def both(groups, x):
    made = keras.layers.GroupNormalization(groups), GroupNormalization(groups)
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=x.shape[-1]) for _ in range(2)]
    for layer in made:
        layer.build(x.shape)
        layer.set_weights(weights)
    return made


def image(*sides, offset=0.0):
    return offset + np.random.default_rng(1).normal(size=(3, *sides, 12)).astype("float32")


@pytest.mark.parametrize("groups", [1, 2, 4, 12])
@pytest.mark.parametrize("sides", [(9,), (7, 5), (4, 3, 2)])
def test_equals_the_layer_of_keras(groups, sides):
    x = image(*sides)
    keras_own, ours = both(groups, x)
    np.testing.assert_allclose(ours(x), keras_own(x), atol=1e-5)


def test_gradients_equal_those_of_keras():
    x, direction = tf.constant(image(6, 6)), tf.constant(image(6, 6, offset=1.0))
    gradients = []
    for layer in both(4, x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x) * direction)
        gradients.append(tape.gradient(loss, [x, *(weight.value for weight in layer.weights)]))
    for keras_own, ours in zip(*gradients, strict=True):
        np.testing.assert_allclose(ours, keras_own, atol=2e-4)


def test_a_large_mean_costs_no_digits():
    x = image(8, 8, offset=1000.0)
    exact = keras.layers.GroupNormalization(4, dtype="float64")
    ours = GroupNormalization(4)
    np.testing.assert_allclose(ours(x), exact(x.astype("float64")), atol=2e-3)


def test_half_precision_is_summed_in_single():
    x = 100.0 * image(8, 8, offset=10.0)
    layer = GroupNormalization(4, dtype="mixed_float16")
    made = layer(x)
    assert made.dtype == "float16"
    np.testing.assert_allclose(made, GroupNormalization(4)(x), atol=0.02)


@pytest.mark.parametrize("options", [{"axis": 1}, {"scale": False}, {"center": False}])
def test_other_options_are_refused(options):
    with pytest.raises(ValueError, match=r"Use keras.layers.GroupNormalization"):
        GroupNormalization(2, **options)
