"""Draws of layers and of TensorFlow that follow a seed."""

import threading

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.seeded_draws import drawing_from


def test_draws_within_a_call_differ_and_leave_other_threads_and_generators_alone():
    generator, found = keras.random.SeedGenerator(3), []
    before = generator.state.numpy()
    with drawing_from(tf.constant((1, 2))) as draws:
        one, two = (keras.random.uniform((3,), seed=generator) for _ in range(2))
        other = threading.Thread(
            target=lambda: found.append(keras.random.uniform((3,), seed=generator))
        )
        other.start()
        other.join()
    assert draws.count == 2
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(generator.state.numpy() - before, (0, 1))
    with drawing_from(tf.constant((1, 2))):
        np.testing.assert_array_equal(keras.random.uniform((3,), seed=None), one)
    assert len(found) == 1
