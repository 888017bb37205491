import numpy as np
import pytest
import tensorflow as tf
from by_hand import assert_standard_normal, block_mean, central_half, every_second

from keras_ms import restriction

SHAPES = {1: (3, 8, 2), 2: (3, 8, 12, 2), 3: (3, 4, 8, 12, 2)}
EVERY_DIMENSION = pytest.mark.parametrize("spatial_dims", [1, 2, 3])


def field(spatial_dims, dtype="float32"):
    rng = np.random.default_rng(spatial_dims)
    return tf.constant(rng.normal(size=SHAPES[spatial_dims]), dtype)


@EVERY_DIMENSION
def test_average_is_the_mean_of_each_block(spatial_dims):
    fine = field(spatial_dims)
    coarse = restriction.average(fine)
    assert coarse.dtype == tf.float32
    np.testing.assert_allclose(coarse, block_mean(fine), rtol=0, atol=1e-6)


@pytest.mark.parametrize("spatial_dims", [1, 2])  # TensorFlow has no such 3-D kernel on a CPU
def test_average_of_float64_is_float64(spatial_dims):
    fine = field(spatial_dims, "float64")
    coarse = restriction.average(fine)
    assert coarse.dtype == tf.float64
    np.testing.assert_allclose(coarse, block_mean(fine), rtol=0, atol=1e-15)


def test_average_of_sixteen_bytes_by_hand():
    fine = np.arange(16, dtype="float32").reshape(1, 4, 4, 1)
    coarse = restriction.average(fine)[0, :, :, 0]
    np.testing.assert_array_equal(coarse, [[2.5, 4.5], [10.5, 12.5]])


@EVERY_DIMENSION
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32", "bool"])
def test_stride_keeps_the_first_of_every_two_pixels(spatial_dims, dtype):
    fine = tf.cast(100.0 * tf.abs(field(spatial_dims)), dtype)
    coarse = restriction.stride(fine)
    assert coarse.dtype == dtype
    np.testing.assert_array_equal(coarse, every_second(fine))


@EVERY_DIMENSION
@pytest.mark.parametrize("dtype", ["float32", "int32"])
def test_crop_keeps_the_central_window(spatial_dims, dtype):
    fine = tf.cast(100.0 * field(spatial_dims), dtype)
    coarse = restriction.crop(fine)
    assert coarse.dtype == dtype
    np.testing.assert_array_equal(coarse, central_half(fine))


@EVERY_DIMENSION
def test_noise_stays_coupled_to_the_fine_noise(spatial_dims):
    fine = field(spatial_dims)
    wanted = {1: np.sqrt(2.0), 2: 2.0, 3: np.sqrt(8.0)}[spatial_dims] * block_mean(fine)
    np.testing.assert_allclose(restriction.restrict_noise(fine), wanted, rtol=0, atol=2e-6)


@pytest.mark.parametrize("shape", [(16, 8192, 1), (16, 128, 128, 1), (16, 32, 32, 32, 1)])
def test_noise_stays_standard_normal_and_white_over_two_levels(shape):
    noise = tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)
    for _ in range(2):
        noise = restriction.restrict_noise(noise)
        assert_standard_normal(noise.numpy())
        for axis in range(1, len(shape) - 1):
            values = np.moveaxis(noise.numpy(), axis, 0)
            products = values[:-1] * values[1:]  # mean 0, variance 1 if neighbours are independent
            assert abs(products.mean()) < 5.0 / np.sqrt(products.size)


@pytest.mark.parametrize("restrict", [restriction.average, restriction.restrict_noise])
@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_averages_of_integers_are_refused(restrict, dtype):
    with pytest.raises(ValueError, match=f"by `stride`.*Received: dtype=.*{dtype}"):
        restrict(tf.zeros((1, 4, 4, 1), dtype))


@pytest.mark.parametrize("name", ["average", "stride", "crop"])
@pytest.mark.parametrize("shape", [(1, 5, 1), (1, 4, 6, 7, 1), (2, 4, 7, 1)])
def test_odd_sides_are_refused(name, shape):
    with pytest.raises(ValueError, match="divisible by") as error:
        restriction.get(name)(tf.zeros(shape))
    assert f"Received: shape={shape}" in str(error.value)


def test_crop_needs_sides_divisible_by_four():
    assert restriction.average(tf.zeros((1, 6, 4, 1))).shape == (1, 3, 2, 1)
    with pytest.raises(ValueError, match=r"divisible by 4.*Received: shape=\(1, 6, 4, 1\)"):
        restriction.crop(tf.zeros((1, 6, 4, 1)))


@pytest.mark.parametrize("name", ["average", "stride", "crop"])
@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4, 4, 4, 1)])
def test_other_ranks_are_refused(name, shape):
    with pytest.raises(ValueError, match="1, 2 or 3 spatial dimensions"):
        restriction.get(name)(tf.zeros(shape))


@pytest.mark.parametrize("name", ["average", "stride"])
def test_unknown_sizes_are_allowed_while_tracing(name):
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 2))])
    def restrict(fine):
        return restriction.get(name)(fine)

    fine = field(2)
    np.testing.assert_array_equal(restrict(fine), restriction.get(name)(fine))


def test_crop_of_an_unknown_size_is_refused_by_name():
    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 2))])
    def restrict(fine):
        return restriction.crop(fine)

    with pytest.raises(ValueError, match=r"Received: shape=\(None, None, None, 2\)"):
        restrict(field(2))


def test_get_knows_every_restriction():
    assert restriction.get("average") is restriction.average
    assert restriction.get("stride") is restriction.stride
    assert restriction.get("crop") is restriction.crop


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"restriction='bilinear'.*average.*crop.*stride"):
        restriction.get("bilinear")
