"""Windows of any sides under any coarsening: central, whole, and made of the ones before."""

import contextlib

import numpy as np
import pytest
from hypothesis import strategies as st
from laws import law

from keras_ms.data import geometry

steps = st.lists(st.sampled_from(["coarsen", "crop"]), max_size=4).map(tuple)


def coarsened(array, axes):
    for axis in axes:
        half = array.shape[axis] // 2
        array = np.take(array, np.arange(2 * half), axis)
        array = array.reshape(*array.shape[:axis], half, 2, *array.shape[axis + 1 :]).sum(axis + 1)
    return array


def cropped(array, axes):
    for axis in axes:
        side = array.shape[axis]
        array = np.take(array, np.arange(side // 4, side // 4 + side // 2), axis)
    return array


def seen(pyramid, window):
    parts = zip(window.offset, window.sides, strict=True)
    return pyramid[window.pyramid_level][tuple(slice(o, o + side) for o, side in parts)]


@law(
    60,
    steps=steps,
    multiples=st.lists(st.integers(1, 3), min_size=1, max_size=2),
    still=st.integers(0, 5),
)
def test_every_window_is_made_of_the_one_before(steps, multiples, still):
    sides = tuple(m * 2 ** (len(steps) + 1) for m in multiples)
    axes = tuple(range(len(sides)))
    if still:  # one more axis, that all levels see
        sides = (*sides, still)
    found = geometry.windows(sides, steps, axes)
    pyramid = [np.random.default_rng(0).integers(0, 256, sides)]
    for _ in steps:
        pyramid.append(coarsened(pyramid[-1], axes))
    made = pyramid[0]
    for step, window in zip((None, *steps), found, strict=True):
        if step is not None:
            made = {"coarsen": coarsened, "crop": cropped}[step](made, axes)
        np.testing.assert_array_equal(seen(pyramid, window), made)


@law(100, steps=steps, sides=st.lists(st.integers(1, 100), min_size=1, max_size=3).map(tuple))
def test_windows_are_central_or_refused(steps, sides):
    divides = all(side % 2 ** (len(steps) + 1) == 0 for side in sides)
    with contextlib.nullcontext() if divides else contextlib.suppress(ValueError):
        for window in geometry.windows(sides, steps):
            for side, within, offset in zip(sides, window.sides, window.offset, strict=True):
                assert 2 * offset + within == side / 2**window.pyramid_level


@law(30, coarsening=st.sampled_from(geometry.COARSENINGS), levels=st.integers(1, 6))
def test_a_level_has_as_many_pixels_under_every_coarsening(coarsening, levels):
    side = 2 ** (levels + 1)
    found = geometry.windows((side,), geometry.transitions(coarsening, levels))
    assert [window.sides for window in found] == [(side >> level,) for level in range(levels)]
    with pytest.raises(ValueError, match="whole pixels"):
        geometry.windows((2**levels - 1,), ("crop", *geometry.transitions(coarsening, levels)))
