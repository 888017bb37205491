import numpy as np
import pytest
from PIL import ExifTags, Image

from keras_ms.inference import pictures

EXIF_ORIENTATION = 0x0112


def colours(height=12, width=20, channels=3):
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(0, 255, (3, 5, channels)), np.ones((4, 4, 1)))
    return smooth[:height, :width].astype(np.uint8)


def round_trip(tmp_path, name, change=lambda pixels: pixels):
    picture = pictures.read(tmp_path / name)
    target = tmp_path / "out" / name
    pictures.write(change(picture.pixels), picture, target)
    return picture, Image.open(target)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "ppm", "jpg", "webp", "gif"])
def test_format_and_pixels_are_kept(tmp_path, suffix):
    Image.fromarray(colours()).save(tmp_path / f"a.{suffix}")
    before = Image.open(tmp_path / f"a.{suffix}")
    _, after = round_trip(tmp_path, f"a.{suffix}")
    assert after.format == before.format
    difference = np.abs(
        np.asarray(after.convert("RGB"), int) - np.asarray(before.convert("RGB"), int)
    )
    assert difference.mean() < (10 if suffix in ("jpg", "webp") else 1)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1", "RGB"])
def test_mode_and_alpha_are_kept(tmp_path, mode):
    Image.fromarray(colours(channels=4), "RGBA").convert(mode).save(tmp_path / "a.png")
    before = Image.open(tmp_path / "a.png")
    picture, after = round_trip(tmp_path, "a.png")
    assert picture.pixels.shape == (12, 20, 3)
    assert after.mode == {"P": "RGBA", "1": "L"}.get(mode, mode)
    np.testing.assert_array_equal(after.convert("RGBA"), before.convert("RGBA"))


def test_transparency_of_a_palette_becomes_alpha(tmp_path):
    image = Image.fromarray(colours()).convert("P", palette=Image.Palette.ADAPTIVE)
    image.save(tmp_path / "a.png", transparency=0)
    before = Image.open(tmp_path / "a.png").convert("RGBA")
    _, after = round_trip(tmp_path, "a.png")
    np.testing.assert_array_equal(after, before)


def test_sixteen_bits_stay_sixteen(tmp_path):
    shades = np.random.default_rng(0).integers(0, 65535, (9, 7)).astype(np.uint16)
    Image.fromarray(shades).save(tmp_path / "a.png")
    picture, after = round_trip(tmp_path, "a.png")
    assert picture.pixels.dtype == np.float32
    np.testing.assert_array_equal(np.asarray(after), shades)


def test_orientation_is_kept_and_pixels_are_not_turned(tmp_path):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    Image.fromarray(colours()).save(tmp_path / "a.jpg", exif=exif, quality=100)
    picture, after = round_trip(tmp_path, "a.jpg")
    assert picture.pixels.shape[:2] == (12, 20)
    assert after.getexif()[EXIF_ORIENTATION] == 6


def test_alpha_grows_with_an_enlarged_picture(tmp_path):
    Image.fromarray(colours(channels=4), "RGBA").save(tmp_path / "a.png")
    _, after = round_trip(tmp_path, "a.png", lambda p: p.repeat(2, 0).repeat(2, 1))
    assert after.size == (40, 24)
    assert after.mode == "RGBA"


def test_unreadable_files_are_named(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((4, 4), np.float32)).save(tmp_path / "range.tiff")
    frames = [Image.fromarray(colours() + k) for k in (0, 50)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    for name in ("broken.png", "range.tiff", "film.gif", "missing.png"):
        with pytest.raises(ValueError, match=f"Not a readable image.*{name}"):
            pictures.read(tmp_path / name)


@pytest.mark.parametrize("mode", ["P", "CMYK", "RGB", "L", "RGBA", "1"])
@pytest.mark.parametrize("scale", [1, 2])
def test_tiff_of_every_mode_can_be_read_again(tmp_path, mode, scale):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 3
    image = Image.fromarray(colours(channels=4), "RGBA").convert(mode)
    image.save(tmp_path / "a.tif", exif=exif, compression="tiff_lzw")
    _, after = round_trip(tmp_path, "a.tif", lambda p: p.repeat(scale, 0).repeat(scale, 1))
    assert after.size == (20 * scale, 12 * scale)
    # Pillow turns TIFF files upright when it loads them, which is how they are then written.
    with Image.open(tmp_path / "a.tif") as before:
        wanted = np.asarray(before.convert("RGB"))
    wanted = wanted.repeat(scale, 0).repeat(scale, 1)
    np.testing.assert_array_equal(np.asarray(after.convert("RGB")), wanted)


def test_profile_of_another_colour_space_is_dropped(tmp_path):
    for mode in ("CMYK", "RGB"):
        image = Image.fromarray(colours()).convert(mode)
        image.save(tmp_path / f"{mode}.jpg", icc_profile=b"profile")
    assert "icc_profile" not in round_trip(tmp_path, "CMYK.jpg")[1].info
    assert round_trip(tmp_path, "RGB.jpg")[1].info["icc_profile"] == b"profile"


@pytest.mark.parametrize("options", [{}, {"icc_profile": b"p" * 500}])
def test_lossless_webp_stays_lossless(tmp_path, options):
    Image.fromarray(colours()).save(tmp_path / "a.webp", lossless=True, **options)
    _, after = round_trip(tmp_path, "a.webp")
    np.testing.assert_array_equal(np.asarray(after), colours())


def test_first_picture_of_a_phones_jpeg(tmp_path):
    frames = [Image.fromarray(colours()), Image.fromarray(colours())]
    frames[0].save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=frames[1:])
    _, after = round_trip(tmp_path, "a.jpg")
    assert (after.format, after.size) == ("JPEG", (20, 12))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_and_gps_and_resolution_are_kept(tmp_path, suffix):
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2026:01:01 00:00:00"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    options = {"dpi": (300, 300)} if suffix in ("jpg", "png") else {}
    Image.fromarray(colours()).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    _, after = round_trip(tmp_path, f"a.{suffix}")
    found = after.getexif()
    assert ExifTags.Base.DateTimeOriginal in found.get_ifd(ExifTags.IFD.Exif)
    assert found.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    if options:
        assert round(after.info["dpi"][0]) == 300


def test_names_may_be_as_long_as_names_can_be(tmp_path):
    name = "a" * 251 + ".png"
    Image.fromarray(colours()).save(tmp_path / name)
    _, after = round_trip(tmp_path, name)
    assert after.size == (20, 12)
