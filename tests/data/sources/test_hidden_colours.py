import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_ms.data import folder, read_image

GREY, MAGENTA = (128, 128, 128), (255, 0, 255)


def half_hidden(opacity=255):
    image = Image.new("RGBA", (12, 8), (*GREY, opacity))
    image.paste((*MAGENTA, 0), (6, 0, 12, 8))
    return image


def of_alpha_and_palette():
    image = half_hidden().convert("RGB").quantize(2)
    return image, [int(255 * (tuple(c) == GREY)) for c in np.reshape(image.getpalette(), (-1, 3))]


@pytest.mark.parametrize("opacity", [255, 128, 1])
@pytest.mark.parametrize("suffix", ["png", "webp", "tif", "tga"])
def test_hidden_colours_count_for_nothing(tmp_path, suffix, opacity):
    path = tmp_path / f"a.{suffix}"
    half_hidden(opacity).save(
        path, **({"lossless": True, "exact": True} if suffix == "webp" else {})
    )
    assert np.all(read_image(path) == 128)


def test_hidden_shades_and_palettes_count_for_nothing(tmp_path):
    half_hidden().convert("LA").save(tmp_path / "grey.png")
    assert np.all(read_image(tmp_path / "grey.png") == 128)
    image, transparency = of_alpha_and_palette()
    image.save(tmp_path / "palette.png", transparency=bytes(transparency))
    assert np.all(read_image(tmp_path / "palette.png") == 128)
    half_hidden().convert("RGB").save(tmp_path / "key.png", transparency=MAGENTA)
    assert np.all(read_image(tmp_path / "key.png") == 128)
    deep = np.asarray(half_hidden()).astype(np.uint16) * 257
    (tmp_path / "deep.png").write_bytes(tf.io.encode_png(deep).numpy())
    assert np.all(read_image(tmp_path / "deep.png") == 128 * 257)


def test_colours_that_can_be_seen_are_left_alone(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 4)).astype(np.uint8)
    pixels[..., 3] |= 1
    Image.fromarray(pixels).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), pixels[..., :3])


def test_wholly_transparent_pictures_are_skipped_by_name(tmp_path):
    Image.new("RGBA", (8, 8), (*MAGENTA, 0)).save(tmp_path / "nothing.png")
    half_hidden().save(tmp_path / "some.png")
    with pytest.warns(UserWarning, match=r"nothing\.png \(all its pixels are transparent\)"):
        assert len(folder(tmp_path)) == 1
