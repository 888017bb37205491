import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_ms.data.sources.class_maps import stored_indices

CLASSES = np.random.default_rng(0).integers(0, 4, (6, 7))


@pytest.mark.parametrize("options", [{}, {"bits": 4}, {"bits": 2}, {"transparency": 0}])
def test_palettes_give_their_indices(tmp_path, options):
    image = Image.fromarray(CLASSES.astype(np.uint8))
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200, 9, 9, 9])
    for name in ("a.png", "a.tif", "a.gif", "a.bmp"):
        image.save(tmp_path / name, **options if name == "a.png" else {})
        np.testing.assert_array_equal(stored_indices(tmp_path / name), CLASSES)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "uint32"])
def test_grey_pictures_give_their_values(tmp_path, dtype):
    values = CLASSES.astype(dtype) * (60 if dtype == "uint8" else 1000)
    tifffile.imwrite(tmp_path / "a.tif", values)
    np.testing.assert_array_equal(stored_indices(tmp_path / "a.tif"), values)
    assert stored_indices(tmp_path / "a.tif").dtype == dtype
    if dtype in ("uint8", "uint16"):
        Image.fromarray(values).save(tmp_path / "a.png")
        np.testing.assert_array_equal(stored_indices(tmp_path / "a.png"), values)


def test_few_bits_are_not_spread(tmp_path):
    from keras_ms.data.sources import png_chunks

    Image.fromarray(CLASSES > 1).save(tmp_path / "a.png")
    np.testing.assert_array_equal(stored_indices(tmp_path / "a.png"), CLASSES > 1)
    Image.fromarray(CLASSES > 1).save(tmp_path / "a.tif")
    np.testing.assert_array_equal(stored_indices(tmp_path / "a.tif"), CLASSES > 1)
    # Pillow writes grey of 2 bits only as a palette: its header is changed, and its checksum.
    image = Image.fromarray(CLASSES.astype(np.uint8))
    image.putpalette([0, 0, 0] * 4)
    image.save(tmp_path / "b.png", bits=2)
    parts = {name: content for name, content, _ in png_chunks.chunks(tmp_path / "b.png")}
    grey = parts[b"IHDR"][:9] + b"\0" + parts[b"IHDR"][10:]
    with open(tmp_path / "c.png", "wb") as file:
        file.write(png_chunks.SIGNATURE)
        for name, content in ((b"IHDR", grey), (b"IDAT", parts[b"IDAT"]), (b"IEND", b"")):
            file.write(png_chunks.chunk(name, content))
    np.testing.assert_array_equal(stored_indices(tmp_path / "c.png"), CLASSES)


def test_equal_bands_are_one_and_others_are_refused(tmp_path):
    equal = np.repeat(CLASSES[..., np.newaxis], 3, -1).astype(np.uint8)
    Image.fromarray(equal).save(tmp_path / "a.png")
    np.testing.assert_array_equal(stored_indices(tmp_path / "a.png"), CLASSES)
    equal[0, 0, 0] += 1
    Image.fromarray(equal).save(tmp_path / "b.png")
    tifffile.imwrite(tmp_path / "b.tif", CLASSES / 2)
    for name in ("b.png", "b.tif"):
        with pytest.raises(ValueError, match=rf"{name}.*a class map has one integer a pixel"):
            stored_indices(tmp_path / name)


def test_class_maps_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(CLASSES.astype(np.uint8)).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(stored_indices(tmp_path / "a.png"), np.rot90(CLASSES, -1))
