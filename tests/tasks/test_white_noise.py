import numpy as np
import pytest
import scipy.stats
import tensorflow as tf
from by_hand import assert_standard_normal

from keras_ms.tasks.white_noise import white_noise


def test_numbers_follow_the_normal_law_to_its_tails():
    noise = white_noise((1000, 1000), (3, 4)).numpy().ravel()
    assert_standard_normal(noise)
    assert scipy.stats.kstest(noise, "norm").pvalue > 1e-4
    beyond = np.mean(np.abs(noise) > 4.0)
    expected = 2.0 * scipy.stats.norm.sf(4.0)
    assert abs(beyond - expected) < 5.0 * np.sqrt(expected / noise.size)
    assert np.abs(noise).max() < 5.7


def test_numbers_are_independent_of_each_other():
    noise = white_noise((2, 200_000), (5, 6)).numpy()
    bound = 5.0 / np.sqrt(noise.shape[1])
    pairs = [noise, (noise[0, 1:], noise[0, :-1]), (noise[1, 1:], noise[1, :-1])]
    for first, second in pairs:  # of the rows, the second has the sines of the angles of the first
        for power in (1, 2):
            assert abs(np.corrcoef(first**power, second**power)[0, 1]) < bound


def test_a_seed_names_its_numbers():
    one, again, other = (white_noise((5, 3), seed).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(one, again)
    assert not np.any(one == other)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 4), (2, 3, 4, 1)])
def test_shapes_and_types(shape, dtype):
    noise = white_noise(shape, (0, 1), dtype)
    assert (tuple(noise.shape), noise.dtype.name) == (shape, dtype)
    assert np.all(np.isfinite(tf.cast(noise, "float64")))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_sides_known_beforehand_stay_known_in_a_graph(jit_compile):
    @tf.function(jit_compile=jit_compile)
    def draw(images):
        return white_noise((tf.shape(images)[0], 8, 3), (0, 1))

    batch = tf.TensorSpec((None, 8, 3))
    assert tuple(draw.get_concrete_function(batch).structured_outputs.shape) == (None, 8, 3)
    assert_standard_normal(draw(tf.zeros((500, 8, 3))).numpy())
