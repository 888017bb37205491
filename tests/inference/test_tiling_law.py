"""Tiles of any image equal it restored whole, by any network that looks no further than it says."""

import numpy as np
import scipy.ndimage
from hypothesis import assume
from hypothesis import strategies as st
from laws import law

from keras_ms.inference import tiling

LONGEST = {1: 400, 2: 150, 3: 40}  # pixels of a side, by the number of axes


def network(reach, stride, scale):
    """Sums over windows, and over blocks that begin at the corner, in whole numbers."""

    def model(batch):
        (part,) = batch
        for axis in range(part.ndim - 1):
            window = np.ones(2 * reach + 1, int)
            sums = scipy.ndimage.convolve1d(part, window, axis, mode="constant")
            length = part.shape[axis]
            blocks = np.add.reduceat(part, np.arange(0, length, stride), axis)
            spread = np.repeat(blocks, stride, axis)
            part = sums + np.take(spread, np.arange(length), axis)
        for axis in range(part.ndim - 1):
            part = np.repeat(part, scale, axis)
        return part[np.newaxis]

    return model


images = st.integers(1, 3).flatmap(
    lambda dims: st.tuples(*[st.integers(1, LONGEST[dims])] * dims, st.integers(1, 2))
)


@law(
    60,
    shape=images,
    reach=st.integers(0, 40),
    stride=st.sampled_from([1, 2, 8, 32]),
    scale=st.integers(1, 3),
    more=st.integers(0, 70),
    bounded=st.booleans(),
)
def test_tiles_equal_the_whole(shape, reach, stride, scale, more, bounded):
    sees = max(reach, stride - 1)
    told = sees if bounded else None
    tile = tiling.least_tile(told) + more
    image = np.random.default_rng(0).integers(0, 256, shape)
    model, sizes = network(reach, stride, scale), []

    def counted(batch):
        sizes.append(batch.shape[1:-1])
        return model(batch)

    tiled = tiling.in_tiles(image, counted, scale, told, tile)
    np.testing.assert_array_equal(tiled, model(image[np.newaxis])[0])
    assert all(np.prod(sides) <= tile ** (len(shape) - 1) for sides in sizes)


@law(
    30,
    length=st.integers(1, 2000),
    field=st.integers(0, 100),
    more=st.integers(0, 100),
)
def test_no_row_is_restored_without_all_that_the_network_sees(length, field, more):
    tile = tiling.least_tile(field) + more
    assume(length > tile)
    covered = []

    def model(batch):
        rows = batch[0, :, 0]
        covered.append((rows[0], rows[-1]))
        return batch

    kept = tiling.in_tiles(np.arange(length)[:, np.newaxis], model, 1, field, tile)
    np.testing.assert_array_equal(kept[:, 0], np.arange(length))
    assert all(begin % 32 == 0 for begin, _ in covered)
    for row in range(length):
        needed = max(0, row - field), min(length - 1, row + field)
        assert any(begin <= needed[0] and needed[1] <= end for begin, end in covered)
