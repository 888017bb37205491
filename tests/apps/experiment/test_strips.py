import numpy as np
import pytest

from apps.experiment import quality, strips


def picture(height, width, bands=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, bands)).astype(np.uint8)


def floats(pixels):
    return pixels[np.newaxis] / np.float32(255.0)


@pytest.mark.parametrize("shape", [(40, 23), (5, 20), (20, 5), (1, 1), (25, 25)])
@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("at_once", [100, 2**19])
def test_strips_together_are_the_whole(shape, bands, at_once, monkeypatch):
    monkeypatch.setattr(strips, "AT_ONCE", at_once)
    clean, other = (picture(*shape, bands, seed) for seed in (0, 1))
    got, wanted = strips.measure(clean, other), quality.measure(floats(clean), floats(other))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(31, 12), (12, 31)])
@pytest.mark.parametrize("times", [2, 3])
def test_smaller_pictures_are_enlarged(shape, times, monkeypatch):
    monkeypatch.setattr(strips, "AT_ONCE", 400)
    small = picture(*shape)
    large, clean = small.repeat(times, 0).repeat(times, 1), picture(*(times * s for s in shape))
    np.testing.assert_allclose(
        strips.measure(clean, small, times), strips.measure(clean, large), rtol=1e-6
    )


def test_equal_pictures_of_every_type():
    for dtype, white in (("uint8", 255), ("uint16", 65535), ("float32", 1), ("float64", 1)):
        pixels = (white * np.random.default_rng(0).random((20, 30, 2))).astype(dtype)
        assert strips.measure(pixels, pixels) == (np.inf, pytest.approx(1.0), 0.0)
        other = pixels.copy()
        other[:, :, 1] = white - other[:, :, 1]
        assert strips.measure(pixels, other).psnr < 20.0


def test_no_more_than_a_strip_is_floats_at_once(monkeypatch):
    monkeypatch.setattr(strips, "AT_ONCE", 1000)
    shapes = []
    made = strips.ssim
    monkeypatch.setattr(
        strips, "ssim", lambda a, b, limits: shapes.append(a.shape) or made(a, b, limits)
    )
    pixels = picture(50, 400)
    strips.measure(pixels, pixels)
    assert len(shapes) == 20
    assert {shape[1:3] for shape in shapes} <= {(30, 50), (20, 50)}
