"""A picture of Pillow and the same picture by the path of its file are one."""

import grey_files
import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

import keras_ms
from keras_ms.data.image_checks import named_arrays
from keras_ms.data.inputs import examples_of
from keras_ms.data.inputs.leaves import array_of

RNG = np.random.default_rng(0)
MASK = RNG.integers(0, 3, (6, 8)).astype(np.uint8)
COLOURS = RNG.integers(0, 256, (6, 8, 4)).astype(np.uint8)
COLOURS[..., 3] = np.where(RNG.random((6, 8)) < 0.3, 0, 255)
TURNED = Image.Exif()
TURNED[0x0112] = 6


def palette(mode="P"):
    picture = Image.fromarray(MASK)
    picture.putpalette([9, 9, 9, 90, 90, 90, 200, 10, 10])
    return picture if mode == "P" else picture.convert(mode)


def grey_alpha():
    bands = [Image.fromarray(COLOURS[..., band]) for band in (0, 3)]
    return Image.merge("LA", bands)


def saved(picture, name, **options):
    return name, lambda path: picture.save(path, **options)


FILES = {
    "hidden colours": saved(Image.fromarray(COLOURS), "a.png"),
    "a hidden colour by key": saved(
        Image.fromarray(COLOURS[..., :3]), "a.png", transparency=tuple(map(int, COLOURS[0, 0, :3]))
    ),
    "grey and alpha": saved(grey_alpha(), "a.png"),
    "grey with a hidden shade": saved(Image.fromarray(MASK), "a.png", transparency=1),
    "palette": saved(palette(), "a.png"),
    "palette of 4 bits": saved(palette(), "a.png", bits=4),
    "palette with transparency": saved(palette(), "a.png", transparency=0),
    "palette, turned": saved(palette(), "a.png", exif=TURNED),
    "GIF": saved(palette(), "a.gif"),
    "BMP": saved(palette(), "a.bmp"),
    "1 bit": saved(Image.fromarray(MASK > 0), "a.png"),
    "1 bit in PBM": saved(Image.fromarray(MASK > 0), "a.pbm"),
    "4 bits": ("a.png", lambda path: grey_files.png(path, MASK, 4)),
    "4 bits in TIFF": ("a.tif", lambda path: grey_files.tiff(path, MASK, 4, True)),
    "PGM": ("a.pgm", lambda path: grey_files.pgm(path, MASK, 3)),
    "deep PGM": ("a.pgm", lambda path: grey_files.pgm(path, MASK, 300)),
    "16 bits": saved(Image.fromarray(MASK.astype("uint16") * 9000), "a.png"),
    "16 bits in TIFF": ("a.tif", lambda path: tifffile.imwrite(path, MASK.astype("uint16") * 900)),
    "16 bits, swapped": (
        "a.tif",
        lambda path: tifffile.imwrite(path, MASK.astype(">u2") * 900, byteorder=">"),
    ),
    "floats": ("a.tif", lambda path: tifffile.imwrite(path, MASK.astype("float32") / 3)),
    "CMYK": saved(Image.fromarray(COLOURS).convert("CMYK"), "a.jpg"),
    "JPEG, turned": saved(Image.fromarray(COLOURS[..., :3]), "a.jpg", exif=TURNED),
    "PNG, turned": saved(Image.fromarray(COLOURS[..., :3]), "a.png", exif=TURNED),
    "TIFF, turned": saved(Image.fromarray(COLOURS[..., :3]), "a.tif", exif=TURNED),
    "WebP, turned": saved(Image.fromarray(COLOURS[..., :3]), "a.webp", exif=TURNED),
}


@pytest.mark.parametrize("part", ["x", "y"])
@pytest.mark.parametrize("kind", FILES)
def test_pictures_are_read_as_their_files(tmp_path, kind, part):
    name, write = FILES[kind]
    write(tmp_path / name)
    found = []
    for one in (str(tmp_path / name), Image.open(tmp_path / name)):
        data = ([one], [0]) if part == "x" else ([0.0], [one])
        ((_, example),) = examples_of(data).passes()
        found.append(example["xy".index(part)])
    by_path, by_picture = found
    assert by_picture.dtype == by_path.dtype
    np.testing.assert_array_equal(by_picture, by_path.reshape(by_picture.shape))


@pytest.mark.parametrize("mode", ["P", "PA"])
def test_palettes_in_memory_are_indices_in_targets_and_colours_in_inputs(mode):
    np.testing.assert_array_equal(array_of(palette(mode), "y")[..., 0], MASK)
    assert array_of(palette(mode), "x").shape == (6, 8, 3)
    made = keras_ms.MultiscaleDataset(
        (np.zeros((4, 6, 8, 3)), [palette(mode)] * 4), levels=(1,), steps_per_epoch=1
    )
    assert "class map 6x8 of uint8" in made.describe().lines[1]


def test_alpha_is_no_band_and_hides_no_class():
    for picture in (grey_alpha(), grey_alpha().convert("La")):
        assert array_of(picture, "x").shape == array_of(picture, "y").shape == (6, 8, 1)
    np.testing.assert_array_equal(array_of(grey_alpha(), "y")[..., 0], COLOURS[..., 0])
    shown = array_of(Image.fromarray(COLOURS), "x")
    seen = COLOURS[..., 3] > 0
    np.testing.assert_array_equal(shown[seen], COLOURS[..., :3][seen])
    assert not np.any(np.all(shown[~seen] == COLOURS[..., :3][~seen], axis=-1))


def test_numbers_in_memory_keep_their_type():
    assert array_of(Image.fromarray(MASK.astype("int32") - 1), "y").min() == -1
    assert array_of(Image.fromarray(MASK > 0), "y").dtype == np.uint8
    assert array_of(Image.fromarray(MASK > 0), "x").max() == 255
    assert array_of(Image.fromarray(MASK.astype("uint16") + 60000), "y").max() == 60002


def test_what_cannot_be_read_is_named(tmp_path):
    hidden = Image.new("RGBA", (8, 6), (9, 9, 9, 0))
    with pytest.raises(ValueError, match=r"x of mode RGBA and size \(8, 6\): .*transparent"):
        array_of(hidden, "x")
    Image.fromarray(MASK).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as closed:
        pass
    with pytest.raises(ValueError, match="cannot be decoded"):
        array_of(closed, "y")
    deep = tf.io.encode_png(np.zeros((6, 8, 3), "uint16")).numpy()
    (tmp_path / "deep.png").write_bytes(deep)
    with (
        Image.open(tmp_path / "deep.png") as picture,
        pytest.raises(ValueError, match="16 bits of this PNG to 8; give its path"),
    ):
        array_of(picture, "x")


def test_pictures_of_a_task_are_turned_as_well(tmp_path):
    Image.fromarray(COLOURS[..., :3]).save(tmp_path / "a.png", exif=TURNED)
    both = [tmp_path / "a.png", Image.open(tmp_path / "a.png")]
    (_, by_path), (_, by_picture) = named_arrays(both, (2, 2))
    np.testing.assert_array_equal(by_picture, by_path)
