"""Dimensions that the data tell, and meshes halved along some of their axes alone."""

import copy
import dataclasses
import itertools
import pickle
import warnings

import numpy as np
import pytest

from keras_ms import Levels
from keras_ms.data.stages import deepest

EVERY_CHOICE = [
    (dims, axes)
    for dims in (1, 2, 3)
    for number in range(1, dims + 1)
    for axes in itertools.combinations(range(dims), number)
]
VIDEO = Levels((16, 32, 64), spatial_dims=3, spatial_axes=(1, 2))


@pytest.mark.parametrize(("dims", "axes"), EVERY_CHOICE)
def test_meshes_and_costs_follow_the_axes_that_are_halved(dims, axes):
    levels = Levels((3, 5, 7), dims, axes)
    assert levels.axes == axes
    finest = (32, 48, 64)[:dims]
    for level, sides in enumerate(levels.mesh_sizes(finest)):
        wanted = list(finest)
        for axis in axes:
            wanted[axis] //= 2**level
        assert sides == tuple(wanted)
        # The cost of an image is its share of the pixels.
        assert levels.sample_work_units(level) == np.prod(sides) / np.prod(finest)
    q = 2.0 ** -len(axes)
    assert levels.work_units() == 3 * (1 + q) + 5 * (q + q * q) + 7 * q * q


def test_frames_of_a_video_are_kept_and_need_not_divide():
    assert VIDEO.mesh_sizes((5, 32, 64)) == ((5, 32, 64), (5, 16, 32), (5, 8, 16))
    assert VIDEO.mesh_sizes(32)[-1] == (32, 8, 8)
    assert VIDEO.work_units() == Levels((16, 32, 64)).work_units() == 34.0
    assert deepest((5, 64, 96), (1, 2)) == Levels((4, 8, 16), 3, (1, 2))
    assert deepest((5, 64, 96)) == Levels((4,), 3)


@pytest.mark.parametrize(
    ("image_size", "message"),
    [
        ((5, 64, 34), r"divisible by .*4.*axes \(1, 2\) alone. Use \(5, 64, 32\)"),
        ((64, 64, 16), r"side of 4 px.*axes \(1, 2\) alone. Use at most 2 levels"),
        ((32, 32), r"3 positive integer sides"),
    ],
)
def test_sides_that_are_halved_must_fit(image_size, message):
    with pytest.raises(ValueError, match=message):
        VIDEO.mesh_sizes(image_size)


@pytest.mark.parametrize(
    "axes", [(), (3,), (-1,), (1, 1), (0, 1, 2, 3), 1, "12", (1.0,), (True,), (None,)]
)
def test_axes_that_are_none_are_refused(axes):
    for dims in (None, 3):
        with pytest.raises(ValueError, match="`spatial_axes` are different spatial axes") as error:
            Levels((2, 4), dims, axes)
        assert f"Received: spatial_axes={axes!r}" in str(error.value)


def test_an_axis_beyond_the_dimensions_is_refused_as_soon_as_they_are_known():
    for wrong in (lambda: Levels((2, 4), 2, (1, 2)), lambda: deepest((64, 64), (2,))):
        with pytest.raises(ValueError, match="from 0 to 1 without batch and channels"):
            wrong()
    unset = Levels((2, 4), spatial_axes=(1, 2))
    for wrong in (lambda: unset.fitted(2), lambda: unset.mesh_sizes((32, 32))):
        with pytest.raises(ValueError, match=r"Received: spatial_axes=\(1, 2\)"):
            wrong()


def test_unset_dimensions_are_those_of_the_data():
    unset = Levels((2, 4))
    assert unset.spatial_dims is None
    assert (unset.dims, unset.axes) == (2, (0, 1))
    for dims in (1, 2, 3):
        assert unset.fitted(dims) == Levels((2, 4), dims) != unset
        assert unset.mesh_sizes((16, 32, 48)[:dims]) == Levels((2, 4), dims).mesh_sizes(
            (16, 32, 48)[:dims]
        )
    assert unset.spatial_dims is None
    with pytest.raises(ValueError, match="Received: spatial_dims=4"):
        unset.fitted(4)


def test_unset_dimensions_are_as_many_as_the_axes_name():
    unset = Levels((2, 4), spatial_axes=(1, 2))
    assert (unset.dims, unset.axes) == (3, (1, 2))
    assert unset.mesh_sizes(32) == ((32, 32, 32), (32, 16, 16))
    assert unset.fitted(3) == Levels((2, 4), 3, (1, 2))
    assert Levels((2, 4), spatial_axes=(0,)).fitted(1) == Levels((2, 4), 1)


@pytest.mark.parametrize("dims", [1, 3])
def test_dimensions_that_the_data_contradict_are_refused(dims):
    levels = Levels((2, 4), spatial_dims=2)
    assert levels.fitted(2) is levels
    with pytest.raises(ValueError, match=f"2 spatial dimensions, the data have {dims}. Received:"):
        levels.fitted(dims)


def test_data_that_tell_the_dimensions_do_not_warn_again():
    with pytest.warns(UserWarning, match="finest first"):
        unset = Levels((8, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert unset.fitted(3).spatial_dims == 3


def test_equal_hierarchies_are_equal():
    assert Levels((2, 4), 3, [2, 1]) == Levels((2, 4), np.int64(3), np.array([1, 2]))
    assert Levels((2, 4), 2, (0, 1)) == Levels((2, 4), 2)
    assert Levels(VIDEO.batch_sizes, 3) != VIDEO
    assert len({VIDEO, Levels((16, 32, 64), 3, (2, 1)), Levels((16, 32, 64), 3)}) == 2


def test_copies_are_the_same_hierarchy():
    assert eval(repr(VIDEO)) == VIDEO
    for same in (pickle.loads(pickle.dumps(VIDEO)), copy.deepcopy(VIDEO)):
        assert same == VIDEO
        assert hash(same) == hash(VIDEO)
    other = dataclasses.replace(VIDEO, batch_sizes=(1, 2))
    assert (other.batch_sizes, other.axes) == ((1, 2), (1, 2))
