import numpy as np
import pytest
from PIL import Image

from apps.serving import previews


def written(tmp_path, pixels, alpha=None, orientation=1):
    told = previews.write(pixels, alpha, orientation, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        return told, np.asarray(image)


@pytest.mark.parametrize("white", [np.uint8(255), np.uint16(65535), np.float32(1.0)])
@pytest.mark.parametrize("bands", [1, 3, 5])
def test_pictures_of_any_bits_and_bands_are_shown_as_rgb(tmp_path, white, bands):
    pixels = np.zeros((4, 6, bands), white.dtype)
    pixels[:, 3:] = white
    told, image = written(tmp_path, pixels)
    assert told == (6, 4, 1)
    assert image.shape == (4, 6, 3)
    assert image.dtype == np.uint8
    assert (image[:, :3] == 0).all()
    assert (image[:, 3:] == 255).all()


def test_large_pictures_are_shown_whole_by_the_means_of_blocks(tmp_path):
    side = 2 * previews.LARGEST
    pixels = np.zeros((8, side, 1), np.uint8)
    pixels[:, side // 2 :: 2] = 200
    told, image = written(tmp_path, pixels)
    assert told == (side, 8, 2)
    assert image.shape == (4, previews.LARGEST, 3)
    assert (image[:, : side // 4] == 0).all()
    assert (image[:, side // 4 :] == 100).all()


def test_opacity_is_shown_at_the_size_of_a_picture_that_was_enlarged(tmp_path):
    alpha = np.zeros((4, 6), np.uint16)
    alpha[:, 3:] = 65535
    told, image = written(tmp_path, np.zeros((8, 12, 3), np.uint8), alpha, orientation=6)
    assert told == (8, 12, 1)
    assert image.shape == (12, 8, 4)
    assert (image[0, :, 3] == 0).all()
    assert (image[-1, :, 3] == 255).all()
