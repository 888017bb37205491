"""Restriction along some of the axes alone, and of class maps by the most frequent class."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import (
    assert_standard_normal,
    block_mean,
    central_half,
    every_second,
    most_frequent,
)

from keras_ms import restriction

SHAPES = {1: (2, 8, 2), 2: (2, 8, 12, 2), 3: (2, 4, 8, 12, 2)}
EVERY_CHOICE = pytest.mark.parametrize(
    ("dims", "axes"),
    [
        (dims, axes)
        for dims in (1, 2, 3)
        for number in range(1, dims + 1)
        for axes in itertools.combinations(range(dims), number)
    ],
)
DTYPES = [
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float16", "float32", "float64"),
]


def field(dims, axes=None):
    """Normal numbers; sides that are not halved are odd, so nothing may touch them."""
    shape = list(SHAPES[dims])
    for axis in set(range(dims)) - set(range(dims) if axes is None else axes):
        shape[1 + axis] -= 1
    return np.random.default_rng(dims).normal(size=shape).astype("float32")


def classes(dims, axes=None, number=3):
    rng = np.random.default_rng(7)
    return rng.integers(0, number, (*field(dims, axes).shape[:-1], 1))


@EVERY_CHOICE
def test_every_restriction_halves_just_the_axes_asked_for(dims, axes):
    fine = field(dims, axes)
    means = block_mean(fine, axes)
    np.testing.assert_allclose(restriction.average(fine, axes), means, rtol=0, atol=1e-6)
    noise = restriction.restrict_noise(fine, axes)
    np.testing.assert_allclose(noise, np.sqrt(2.0 ** len(axes)) * means, rtol=0, atol=2e-6)
    np.testing.assert_array_equal(restriction.stride(fine, axes), every_second(fine, axes))
    np.testing.assert_array_equal(restriction.crop(fine, axes), central_half(fine, axes))
    mask = fine > 0.0
    most = restriction.majority(mask, axes)
    np.testing.assert_array_equal(most, block_mean(mask, axes) > 0.5)
    whole = classes(dims, axes)
    np.testing.assert_array_equal(restriction.plurality(whole, axes), most_frequent(whole, axes))


@EVERY_CHOICE
def test_axes_have_no_order_and_all_of_them_are_the_default(dims, axes):
    fine = field(dims)
    for name in ("average", "stride", "crop", "plurality"):
        restrict = restriction.get(name)
        given = restrict(fine, axes)
        np.testing.assert_array_equal(restrict(fine, np.array(axes[::-1])), given)
        if len(axes) == dims:
            np.testing.assert_array_equal(restrict(fine), given)


def test_noise_of_a_video_stays_standard_normal():
    noise = np.random.default_rng(0).normal(size=(4, 5, 64, 64, 1)).astype("float32")
    for _ in range(2):
        noise = restriction.restrict_noise(noise, (1, 2)).numpy()
        assert_standard_normal(noise)


RESTRICTIONS = [
    *("average", "stride", "crop", "restrict_noise", "majority", "plurality"),
]


@pytest.mark.parametrize("name", RESTRICTIONS)
@pytest.mark.parametrize("axes", [(), (2,), (-1,), (0, 0), 0, (0.0,), "0"])
def test_axes_that_are_none_are_refused(name, axes):
    with pytest.raises(ValueError, match="`axes` are different spatial axes") as error:
        getattr(restriction, name)(field(2), axes)
    assert f"Received: axes={axes!r}" in str(error.value)


@pytest.mark.parametrize("name", RESTRICTIONS)
def test_an_odd_side_is_refused_only_where_it_is_halved(name):
    fine = field(3, (1, 2))  # three frames
    restrict = getattr(restriction, name)
    assert restrict(fine, (1, 2)).shape == (2, 3, 4, 6, 2)
    with pytest.raises(ValueError, match=r"Received: shape=\(2, 3, 8, 12, 2\), axes=\(0, 1\)"):
        restrict(fine, (0, 1))


def test_a_side_that_is_not_halved_may_be_unknown():
    traced = tf.function(
        lambda fine: [restriction.get(n)(fine, (1, 2)) for n in ("crop", "stride")]
    )
    fine = field(3)
    spec = tf.TensorSpec((None, None, *fine.shape[2:]), fine.dtype)
    cropped, strided = traced.get_concrete_function(spec)(tf.constant(fine))
    np.testing.assert_array_equal(cropped, central_half(fine, (1, 2)))
    np.testing.assert_array_equal(strided, every_second(fine, (1, 2)))


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ([[1, 2], [2, 0]], 2),
        ([[1, 2], [2, 1]], 1),
        ([[2, 1], [1, 2]], 2),
        ([[3, 1], [2, 1]], 1),
        ([[3, 1], [2, 0]], 3),
        ([[0, 9], [9, 9]], 9),
        ([[0, 0], [9, 9]], 0),
        ([[9, 9], [0, 0]], 9),
        ([[4, 1], [5, 5]], 5),
    ],
)
def test_the_most_frequent_class_and_of_a_tie_the_first(block, wanted):
    assert restriction.plurality(np.reshape(block, (1, 2, 2, 1))).numpy().item() == wanted


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_type_is_kept_to_the_last_bit(dtype):
    fine = classes(2).astype(dtype)
    if fine.dtype.kind in "iu":  # 255, 2**64 - 1 and the like, where another type would round
        fine = np.where(fine == 2, np.iinfo(dtype).max, fine).astype(dtype)
    coarse = restriction.plurality(fine)
    assert coarse.dtype == dtype
    np.testing.assert_array_equal(coarse, most_frequent(fine))


def test_channels_of_a_pixel_are_one_value():
    whole = classes(3, number=4)
    one_hot = np.eye(4, dtype="float32")[whole[..., 0]]
    coarse = restriction.plurality(one_hot).numpy()
    np.testing.assert_array_equal(coarse.sum(axis=-1), 1.0)
    np.testing.assert_array_equal(coarse.argmax(-1), restriction.plurality(whole)[..., 0])
    colours = [[[255, 0, 0], [0, 0, 255]], [[255, 0, 255], [0, 0, 255]]]
    found = restriction.plurality(np.array([colours], "uint8"))
    assert found.numpy().tolist() == [[[[0, 0, 255]]]]


def test_not_a_number_is_one_value():
    fine = np.array([[1.0, np.nan], [np.nan, 2.0]], "float32").reshape(1, 2, 2, 1)
    assert np.isnan(restriction.plurality(fine).numpy()).all()
    fine[0, 1, 0] = 2.0
    assert restriction.plurality(fine).numpy().item() == 2.0


def test_no_class_grows_along_its_borders():
    """Stripes three pixels wide, at every place on the mesh: every second border is a tie."""
    line = np.arange(96) // 3 % 2
    placed = np.stack([np.roll(line, shift) for shift in range(6)])[..., None]
    assert np.mean(restriction.plurality(placed)) == 0.5


@pytest.mark.parametrize("ordered", [tf.constant, keras.ops.convert_to_tensor, np.asarray])
def test_tensors_and_arrays_alike(ordered):
    fine = classes(2).astype("uint8")
    traced = tf.function(restriction.plurality)
    for restrict in (restriction.plurality, traced):
        np.testing.assert_array_equal(restrict(ordered(fine)), most_frequent(fine))
