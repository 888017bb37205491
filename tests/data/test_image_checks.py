import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_ms.data.image_checks import named_arrays
from keras_ms.data.pyramid import PyramidStore

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (8, 12, 3)).astype(np.uint8)
SIDES = (6, 6)


def arrays(images):
    return [array for _, array in named_arrays(images, SIDES)]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "PA", "CMYK", "L", "LA", "1", "I;16", "F"])
def test_pillow_images_become_what_they_show(mode):
    image = Image.fromarray(COLOURS)
    if mode == "I;16":
        image = Image.fromarray(COLOURS[..., 0].astype(np.uint16) * 257)
    elif mode == "PA":
        image = image.quantize(256).convert("PA")
    else:
        image = image.convert(mode)
    (array,) = arrays([image])
    grey = mode in ("L", "LA", "1", "I;16", "F")
    assert array.shape == (8, 12, 1 if grey else 3)
    assert array.dtype == {"I;16": np.uint16, "F": np.float32}.get(mode, np.uint8)
    shown = np.asarray(image.convert("RGB" if not grey else "L"))
    if array.dtype == np.uint8:
        np.testing.assert_array_equal(np.squeeze(array), shown)


def test_palettes_are_no_shades_and_hidden_colours_count_for_nothing():
    image = Image.new("P", (12, 8), 1)
    image.putpalette([0, 0, 0, 200, 100, 50])
    assert np.all(arrays([image])[0] == (200, 100, 50))
    image = Image.new("RGBA", (12, 8), (128, 128, 128, 255))
    image.paste((255, 0, 255, 0), (6, 0, 12, 8))
    assert np.all(arrays([image])[0] == 128)


def test_paths_are_read_and_named(tmp_path):
    Image.fromarray(COLOURS).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        ((name, array),) = named_arrays([path], SIDES)
        assert name == str(tmp_path / "a.png")
        np.testing.assert_array_equal(array, COLOURS)
    with pytest.raises(ValueError, match=r"Not a readable image.*missing\.png"):
        arrays([tmp_path / "missing.png"])


@pytest.mark.parametrize(
    "one",
    [
        COLOURS,
        COLOURS[..., 0],
        COLOURS[:4, :4],  # too small as well, but that is not what is wrong
        tf.constant(COLOURS),
        np.ma.MaskedArray(COLOURS),
        Image.fromarray(COLOURS),
    ],
)
def test_one_image_that_is_not_in_a_list_is_refused(one):
    with pytest.raises(ValueError, match=r"looks like a single image. Use \[image\]"):
        PyramidStore(one, 0, SIDES)


@pytest.mark.parametrize("shape", [(3, 8, 12, 3), (3, 8, 12), (8, 8, 8), (1, 8, 12, 3)])
def test_stacks_of_images_are_many(shape):
    assert len(arrays(np.zeros(shape, np.uint8))) == shape[0]


def test_a_folder_is_no_list_of_images(tmp_path):
    for path in (tmp_path, str(tmp_path)):
        with pytest.raises(ValueError, match=r"Use keras_ms.data.FolderImages\(path\)"):
            arrays(path)


def test_masked_pixels_are_refused_by_name():
    masked = np.ma.MaskedArray(COLOURS, mask=COLOURS > 250)
    with pytest.raises(ValueError, match=r"image 1, a masked array .*\(8, 12, 3\).*filled\(value"):
        arrays([COLOURS, masked])
    with pytest.raises(ValueError, match="image 0, a masked array"):
        arrays(np.ma.MaskedArray(COLOURS[np.newaxis], mask=COLOURS > 250))
    np.testing.assert_array_equal(arrays([np.ma.MaskedArray(COLOURS)])[0], COLOURS)
    np.testing.assert_array_equal(arrays([masked.filled(0)])[0], masked.filled(0))


def failing_dataset():
    def fail(number):
        with tf.control_dependencies([tf.debugging.assert_none_equal(number, 3, message="bad")]):
            return tf.zeros((8, 8, 1)) + tf.cast(number, tf.float32) / 8.0

    return tf.data.Dataset.range(8, output_type=tf.int32).map(fail)


class Shelf:
    def __iter__(self):
        return map(self.read, range(8))

    def read(self, number):
        if number == 3:
            raise OSError("truncated")
        return np.full((8, 8, 1), number / 8.0, "float32")


@pytest.mark.parametrize(
    ("images", "reason"),
    [(failing_dataset(), "The dataset failed: .*bad"), (Shelf(), "OSError: trunc")],
)
def test_an_image_that_its_source_cannot_make_is_named_and_passed_over(images, reason):
    with pytest.warns(UserWarning, match=rf"Skipped 1 of 8 images: image 3 \({reason}"):
        assert PyramidStore(images, 0, SIDES).num_images == 7
    with pytest.raises(ValueError, match="1 of 8 images cannot be used"):
        PyramidStore(images, 0, SIDES, max_bad_fraction=0.1)


def test_images_of_a_generator_that_raises_have_ended():
    def generate():
        yield COLOURS
        raise OSError("truncated")

    with pytest.raises(ValueError, match="element 1: OSError: truncated"):
        arrays(generate())
