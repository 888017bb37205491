"""What each task does to an image, against SciPy, NumPy and Pillow."""

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf
from by_hand import block_mean
from PIL import Image

import keras_ms
from keras_ms.tasks import Deblurring, Inpainting, SuperResolution


def images(count=3, sides=(20, 28), seed=0):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.uniform(-1.0, 1.0, (count, *sides, 2)), tf.float32)


def degraded(task, clean):
    return task.degrade(task.draw(clean, tf.constant((0, 1)))).numpy()


@pytest.mark.parametrize(("border", "mode"), [("reflect", "reflect"), ("circular", "wrap")])
@pytest.mark.parametrize("sigma", [0.0, 0.4, 3.0, 25.0])
def test_blur_is_scipys(border, mode, sigma):
    wanted = scipy.ndimage.gaussian_filter(images().numpy(), (0, sigma, sigma, 0), mode=mode)
    got = degraded(Deblurring(sigma=sigma, border=border), images())
    np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("shape", [(2, 16, 1), (2, 8, 12, 8, 1)])
def test_blur_in_one_and_three_dimensions(shape):
    clean = np.random.default_rng(0).normal(size=shape).astype("float32")
    sigmas = (0, *(2.0,) * (len(shape) - 2), 0)
    wanted = scipy.ndimage.gaussian_filter(clean, sigmas, mode="reflect")
    np.testing.assert_allclose(degraded(Deblurring(sigma=2.0), clean), wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sigma": -1.0}, "Received: sigma=-1.0"),
        ({"sigma": float("nan")}, "Received: sigma=nan"),
        ({"sigma": "a"}, "Received: sigma=a"),
        ({"border": "zero"}, "Received: border='zero'"),
    ],
)
def test_senseless_blur_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Deblurring(**options)


def boxes(mask):
    """Height and width of the only box in each mask."""
    return [np.ptp(np.argwhere(one), axis=0) + 1 for one in mask]


def test_rectangles_have_the_sides_asked_for_and_lie_anywhere():
    side = 240
    mask = (
        Inpainting(1)
        .draw(tf.zeros((400, side, side, 1)), tf.constant((0, 1)))["mask"]
        .numpy()[..., 0]
    )
    sides = np.array(boxes(mask))
    np.testing.assert_array_equal(mask.sum(axis=(1, 2)), sides.prod(axis=1))  # each is a full box
    assert sides.min() >= side / 12 - 2  # pixels that stick out by less than one are kept
    assert sides.max() <= side / 6
    # Uniform lengths, of which one pixel is lost to the two ragged ends on average.
    error = (side / 12) / np.sqrt(12.0 * sides.size)
    assert abs(sides.mean() - (side / 8 - 1.0)) < 5.0 * error + 0.1
    assert mask.max(axis=0).mean() > 0.85  # nowhere is safe


def test_number_of_rectangles_is_uniform():
    mask = Inpainting(3).draw(tf.zeros((900, 48, 48, 1)), tf.constant((0, 1)))["mask"].numpy()
    numbers = mask.max(axis=(1, 2)).sum(axis=1)
    assert set(numbers) == {1.0, 2.0, 3.0}
    for number in (1, 2, 3):
        assert abs(np.mean(numbers == number) - 1 / 3) < 5.0 * np.sqrt(2 / 9 / 900)


def test_missing_pixels_are_zero_and_the_rest_is_kept():
    task = Inpainting()
    example = task.draw(images(sides=(48, 48)), tf.constant((0, 1)))
    missing = example["mask"].numpy().max(axis=-1, keepdims=True)
    assert 0.0 < missing.mean() < 0.1
    np.testing.assert_array_equal(task.degrade(example), images(sides=(48, 48)) * (1.0 - missing))


@pytest.mark.parametrize("side", [48, 96, 128])
def test_masks_drawn_on_a_coarse_mesh_are_the_fine_ones_restricted(side):
    task = Inpainting()
    fine = task.draw(tf.zeros((64, side, side, 1)), tf.constant((0, 1)))
    for coarser in (side // 2, side // 4):
        fine = task.restrict(fine)
        drawn = task.draw(tf.zeros((64, coarser, coarser, 1)), tf.constant((0, 1)))
        np.testing.assert_array_equal(fine["mask"], drawn["mask"])


def test_own_masks_are_drawn_and_restricted_by_majority():
    masks = np.zeros((2, 16, 16), bool)
    masks[0, 1:6, 2:9], masks[1, 8:, 8:] = True, True
    task = Inpainting(masks=masks)
    fine = task.draw(tf.zeros((40, 16, 16, 1)), tf.constant((0, 1)))["mask"].numpy()[..., 0]
    coarse = task.draw(tf.zeros((40, 8, 8, 1)), tf.constant((0, 1)))["mask"].numpy()[..., 0]
    chosen = [int(one[15, 15]) for one in fine]
    assert set(chosen) == {0, 1}
    np.testing.assert_array_equal(fine, masks[chosen])
    small = block_mean(masks[..., np.newaxis])[..., 0] > 0.5
    np.testing.assert_array_equal(coarse, small[chosen])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_rectangles": 0}, "Received: max_rectangles=0"),
        ({"side_range": (0.5, 0.1)}, r"side_range=\(0.5, 0.1\)"),
        ({"max_rectangles": 1.5}, "Received: max_rectangles=1.5"),
        ({"side_range": 3}, "side_range=3"),
        ({"masks": np.zeros(4)}, r"Received: shape \(4,\)"),
    ],
)
def test_senseless_holes_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Inpainting(**options)


def test_own_masks_of_another_size_are_refused_before_training():
    task = Inpainting(masks=np.ones((1, 20, 20)))
    photos = np.zeros((1, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"masks of size \(20, 20\), images of size \(64, 64\)"):
        keras_ms.MultiscaleDataset(photos, task, (1, 2), 64, 1)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_reduction_is_pillows(scale):
    ramp = np.random.default_rng(0).random((12, 12)).astype("float32")
    clean = np.kron(ramp, np.ones((4, 4), "float32"))[np.newaxis, ..., np.newaxis]
    got = degraded(SuperResolution(scale=scale), clean)[0, ..., 0]
    small = Image.fromarray(clean[0, ..., 0]).resize((48 // scale, 48 // scale), Image.BICUBIC)
    np.testing.assert_allclose(got, np.asarray(small), atol=1e-4)


def test_sizes_that_super_resolution_cannot_divide_are_refused_before_training():
    photos = np.zeros((1, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match=r"divisible by 3.*Received: images of size"):
        keras_ms.MultiscaleDataset(photos, SuperResolution(scale=3), (1, 2), 64, 1)
    with pytest.raises(ValueError, match="Received: scale=5"):
        SuperResolution(scale=5)
