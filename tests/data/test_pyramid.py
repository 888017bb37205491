import itertools

import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean

from keras_ms import restriction
from keras_ms.data.geometry import Window
from keras_ms.data.pyramid import PyramidStore

SIDES = {1: (16,), 2: (16, 8), 3: (8, 8, 4)}
SHAPES = {
    1: [(16, 2), (37, 2), (24, 2)],
    2: [(16, 9, 3), (23, 30, 3), (40, 8, 3)],
    3: [(8, 8, 4, 1), (9, 14, 7, 1), (16, 8, 6, 1)],
}
EVERY_DIMENSION = pytest.mark.parametrize("dims", [1, 2, 3])


def bytes_images(dims):
    rng = np.random.default_rng(dims)
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in SHAPES[dims]]


def naive_cut(image, window, corner, flip):
    """One window by NumPy slicing: coarsen the whole image, slice, mirror, normalise."""
    even = tuple(slice(side - side % 4) for side in image.shape[:-1])
    field = image[even][np.newaxis].astype(np.float64)
    for _ in range(window.pyramid_level):
        field = block_mean(field)
    starts = [c // 2**window.pyramid_level + o for c, o in zip(corner, window.offset, strict=True)]
    part = field[0][tuple(slice(s, s + n) for s, n in zip(starts, window.sides, strict=True))]
    if flip:
        part = np.flip(part, axis=len(window.sides) - 1)
    return (part / 255.0 - 0.5) / 0.5


def requests(dims):
    """Every image from its first and last corner, mirrored or not."""
    rows = []
    for index, shape in enumerate(SHAPES[dims]):
        last = [(n - s) // 4 * 4 for n, s in zip(shape[:-1], SIDES[dims], strict=True)]
        rows += [(index, c, flip) for c in ([0] * dims, last) for flip in (False, True)]
    return rows


@EVERY_DIMENSION
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("cropped", [False, True])
def test_windows_equal_numpy_slices(dims, level, cropped):
    outer = tuple(side >> level for side in SIDES[dims])
    sides = tuple(side // 2 for side in outer) if cropped else outer
    offset = tuple((o - s) // 2 for o, s in zip(outer, sides, strict=True))
    window, rows = Window(level, sides, offset), requests(dims)
    store = PyramidStore(bytes_images(dims), depth=2, sides=SIDES[dims])
    ids, corners, flips = (tf.constant(column) for column in zip(*rows, strict=True))
    got = store.cut(window, tf.cast(ids, tf.int64), tf.cast(corners, tf.int64), flips)
    wanted = [naive_cut(bytes_images(dims)[i], window, corner, flip) for i, corner, flip in rows]
    assert got.dtype == tf.float32
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6)


@EVERY_DIMENSION
def test_coarse_window_is_the_average_of_the_finer_one(dims):
    store = PyramidStore(bytes_images(dims), depth=2, sides=SIDES[dims])
    ids = tf.constant([0, 1, 2, 1], tf.int64)
    corners = store.corners(ids, SIDES[dims], (1, 2))
    flips = tf.constant([True, False, True, True])
    zero = (0,) * dims
    cuts = [
        store.cut(Window(k, tuple(s >> k for s in SIDES[dims]), zero), ids, corners, flips)
        for k in range(3)
    ]
    for fine, coarse in itertools.pairwise(cuts):
        np.testing.assert_allclose(coarse, restriction.average(fine), rtol=0, atol=1e-6)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_corners_reach_every_aligned_position_and_no_other(depth):
    store = PyramidStore(bytes_images(2), depth, SIDES[2])
    step = 2**depth
    for index, (height, width, _) in enumerate(SHAPES[2]):
        ids = tf.fill((4000,), tf.constant(index, tf.int64))
        corners = store.corners(ids, SIDES[2], (3, 4)).numpy()
        ends = height - height % step - 16, width - width % step - 8
        wanted = {(i, j) for i in range(0, ends[0] + 1, step) for j in range(0, ends[1] + 1, step)}
        assert set(map(tuple, corners.tolist())) == wanted


def test_corners_are_the_same_for_the_same_seed_only():
    store = PyramidStore(bytes_images(2), 0, SIDES[2])
    ids = tf.ones(50, tf.int64)
    first, same, other = (store.corners(ids, SIDES[2], seed) for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(first, same)
    assert np.any(first.numpy() != other.numpy())


def whole(images, mean=0.5, std=0.5):
    sides = (8, 12)
    store = PyramidStore(images, 0, sides, mean, std)
    ids = tf.range(store.num_images, dtype=tf.int64)
    corners = tf.zeros((store.num_images, 2), tf.int64)
    return store.cut(Window(0, sides, (0, 0)), ids, corners, tf.zeros_like(ids, tf.bool)).numpy()


def test_bytes_and_sixteen_bits_and_floats_agree():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3), dtype=np.uint8)
    wanted = (images / 255.0 - 0.5) / 0.5
    for dtype in (np.float32, np.float64):
        np.testing.assert_allclose(whole((images / 255.0).astype(dtype)), wanted, atol=1e-6)
    mixed = [(image / 255.0).astype(f"float{32 << k % 2}") for k, image in enumerate(images)]
    np.testing.assert_allclose(whole(mixed), wanted, atol=1e-6)
    np.testing.assert_allclose(whole(images.astype(np.uint16) * 257), wanted, atol=1e-6)
    np.testing.assert_allclose(whole(images), wanted, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(whole(tf.data.Dataset.from_tensor_slices(images)), whole(images))


def test_each_channel_has_its_own_mean_and_deviation():
    images = np.random.default_rng(0).random((2, 8, 12, 3))
    mean, std = (0.1, 0.5, 0.9), (0.2, 0.3, 0.4)
    np.testing.assert_allclose(whole(images, mean, std), (images - mean) / std, atol=1e-5)


def test_images_without_a_channel_axis_have_one_channel():
    images = np.random.default_rng(0).random((2, 8, 12))
    np.testing.assert_array_equal(whole(images), whole(images[..., np.newaxis]))


GOOD = np.full((8, 12, 3), 0.5, np.float32)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([], r"no image.*Received: images=\[\]"),
        ([GOOD, GOOD[0, 0]], r"2 spatial.*Received: image 1 of shape \(3,\)"),
        ([GOOD, GOOD[np.newaxis]], r"Received: image 1 of shape \(1, 8, 12, 3\)"),
        ([GOOD, GOOD[..., :1]], r"channels of the first, 3\. Received: image 1.*\(8, 12, 1\)"),
        ([GOOD, (255 * GOOD).astype(np.uint16)], r"image 1 of type uint16.*first is float32"),
        ([GOOD, (255 * GOOD).astype(np.uint8)], r"image 1 of type uint8.*first is float32"),
        ([GOOD.astype(np.int32)], "Received: image 0 of type int32"),
        ([GOOD, np.where(GOOD == 0.5, np.nan, GOOD)], r"image 1 .*values in \[nan, nan\]"),
        ([GOOD, np.where(GOOD == 0.5, np.inf, GOOD)], r"image 1 .*values in \[inf, inf\]"),
        ([255 * GOOD], r"image 0 of type float32.*values in \[127.5, 127.5\]"),
        ([GOOD, 2 * GOOD - 1.1], r"image 1 of type float32.*values in \[-0.1"),
        (tf.data.Dataset.from_tensors(GOOD).repeat(), "repeats for ever"),
    ],
)
def test_malformed_images_are_refused_and_named(images, message):
    with pytest.raises(ValueError, match=message):
        PyramidStore(images, 0, (8, 12))


SMALL = (
    r"image 1 \(of size \(8, 11\), smaller than image_size \(8, 12\)\) and 1 more alike: image 3"
)


def test_many_images_smaller_than_the_crop_are_refused_and_named():
    images = [GOOD, GOOD[:, :11], GOOD, GOOD[:7]]
    with pytest.raises(ValueError, match=rf"2 of 4 .*{SMALL}.*max_bad_fraction=0.25.*--max_bad"):
        PyramidStore(images, 0, (8, 12))


def test_few_images_smaller_than_the_crop_are_skipped_and_named():
    images = [GOOD, GOOD[:, :11], 0.25 * GOOD, GOOD[:7]]
    with pytest.warns(UserWarning, match=rf"Skipped 2 of 4 images: {SMALL}") as record:
        store = PyramidStore(images, 0, (8, 12), max_bad_fraction=0.5)
    assert record[0].filename == __file__
    assert store.num_images == 2
    ids, corners = tf.constant([0, 1], tf.int64), tf.zeros((2, 2), tf.int64)
    windows = store.cut(Window(0, (8, 12), (0, 0)), ids, corners, tf.zeros(2, tf.bool))
    np.testing.assert_array_equal(windows[:, 0, 0, 0], [0.0, -0.75])


def test_at_least_one_image_must_be_left():
    with pytest.raises(ValueError, match="1 of 1 images cannot be used"):
        PyramidStore([GOOD[:7]], 0, (8, 12), max_bad_fraction=1.0)


def test_an_image_without_pixels_is_refused_and_named():
    with pytest.raises(ValueError, match=r"Received: image 1 .*\(0, 12"):
        PyramidStore([GOOD, GOOD[:0]], 0, (8, 12))
