import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

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
    with Image.open(target) as after:
        after.load()
        return picture, after


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
    Image.fromarray(colours(channels=4)).convert(mode).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        before = np.asarray(image.convert("RGBA"))
    picture, after = round_trip(tmp_path, "a.png")
    assert picture.pixels.shape == (12, 20, 1 if mode in ("L", "LA", "1") else 3)
    assert after.mode == {"P": "RGBA", "1": "L"}.get(mode, mode)
    after, seen = np.asarray(after.convert("RGBA")), before[..., 3] > 0
    np.testing.assert_array_equal(after[..., 3], before[..., 3])
    np.testing.assert_array_equal(after[seen], before[seen])


def test_transparency_of_a_palette_becomes_alpha(tmp_path):
    image = Image.fromarray(colours()).convert("P", palette=Image.Palette.ADAPTIVE)
    image.save(tmp_path / "a.png", transparency=0)
    with Image.open(tmp_path / "a.png") as opened:
        before = np.asarray(opened.convert("RGBA"))
    _, after = round_trip(tmp_path, "a.png")
    np.testing.assert_array_equal(np.asarray(after)[..., 3], before[..., 3])
    seen = before[..., 3] > 0
    assert not seen.all()
    np.testing.assert_array_equal(np.asarray(after)[seen], before[seen])


def deep(*shape, dtype="uint16"):
    values = np.random.default_rng(0).random(shape)
    return (65535 * values).astype(dtype) if dtype == "uint16" else values.astype(dtype)


def png16(path, pixels):
    path.write_bytes(tf.io.encode_png(pixels).numpy())


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [1, 2])
def test_png_files_of_16_bits_stay_so(tmp_path, channels, scale):
    stored = deep(9, 7, channels)
    png16(tmp_path / "a.png", stored)
    picture, _ = round_trip(tmp_path, "a.png", lambda p: p.repeat(scale, 0).repeat(scale, 1))
    assert picture.pixels.dtype == np.uint16
    after = tf.io.decode_png((tmp_path / "out/a.png").read_bytes(), dtype=tf.uint16).numpy()
    bands = channels - 1 + channels % 2
    wanted = stored[..., :bands].repeat(scale, 0).repeat(scale, 1)
    np.testing.assert_array_equal(after[..., :bands], wanted)
    assert after.shape[-1] == channels
    if scale == 1:
        np.testing.assert_array_equal(after, stored)


def test_a_transparent_shade_of_16_bits_becomes_alpha(tmp_path):
    shades = deep(9, 7)
    Image.fromarray(shades).save(tmp_path / "a.png", transparency=int(shades[0, 0]))
    picture, _ = round_trip(tmp_path, "a.png")
    assert picture.pixels[0, 0, 0] in shades[:2, :2].ravel()[1:]
    after = tf.io.decode_png((tmp_path / "out/a.png").read_bytes(), dtype=tf.uint16).numpy()
    np.testing.assert_array_equal(after[..., 1], np.where(shades == shades[0, 0], 0, 65535))
    np.testing.assert_array_equal(after[1:, :, 0], shades[1:])


@pytest.mark.parametrize(("kind", "bands"), [("P5", 1), ("P6", 3)])
def test_pgm_and_ppm_files_of_16_bits_stay_so(tmp_path, kind, bands):
    stored = deep(4, 5, bands)
    content = f"{kind} 5 4 65535\n".encode() + stored.astype(">u2").tobytes()
    (tmp_path / "a.ppm").write_bytes(content)
    round_trip(tmp_path, "a.ppm")
    assert (tmp_path / "out/a.ppm").read_bytes().split(b"\n", 3)[-1] == stored.astype(
        ">u2"
    ).tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 3), (9, 7, 5), (9, 7, 32)])
def test_tiff_files_of_every_type_and_number_of_bands_stay_so(tmp_path, dtype, shape):
    stored = deep(*shape) // 257 if dtype == "uint8" else deep(*shape, dtype=dtype)
    colour = "rgb" if shape[-1] == 3 else "minisblack"
    config = "contig" if len(shape) > 2 else None
    tifffile.imwrite(
        tmp_path / "a.tif", stored.astype(dtype), planarconfig=config, photometric=colour
    )
    picture = pictures.read(tmp_path / "a.tif")
    pictures.write(picture.pixels, picture, tmp_path / "b.tif")
    after = tifffile.imread(tmp_path / "b.tif")
    assert after.dtype == ("float32" if dtype == "float16" else dtype)
    np.testing.assert_array_equal(after, stored.astype(dtype))
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages[0].photometric == (2 if shape[-1] == 3 else 1)
        assert len(file.pages) == 1
    assert len(picture.notes) == (dtype == "float16")


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_values_are_scaled_there_and_back(tmp_path, dtype):
    stored = np.arange(63).reshape(9, 7).astype(dtype) * 50
    tifffile.imwrite(tmp_path / "a.tif", stored)
    if dtype != "uint16":
        with pytest.raises(ValueError, match=r"a.tif.*\[0, 3100\].*--value_range"):
            pictures.read(tmp_path / "a.tif")
    picture = pictures.read(tmp_path / "a.tif", value_range=(0, 3100))
    assert picture.pixels.dtype == np.float32
    assert (picture.pixels.min(), picture.pixels.max()) == (0.0, 1.0)
    pictures.write(picture.pixels, picture, tmp_path / "b.tif")
    after = tifffile.imread(tmp_path / "b.tif")
    np.testing.assert_allclose(after, stored, atol=1e-3)
    assert after.dtype == ("float32" if dtype == "int16" else dtype)
    assert any("int16" in note for note in picture.notes) == (dtype == "int16")


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
    Image.fromarray(np.full((4, 4), 2, np.float32)).save(tmp_path / "range.tiff")
    Image.fromarray(np.zeros((4, 4, 4), np.uint8)).save(tmp_path / "unseen.png")
    Image.new("RGB", (4, 4)).save(tmp_path / "cursor.ico")
    (tmp_path / "cursor.cur").write_bytes(b"\0\0\2\0" + (tmp_path / "cursor.ico").read_bytes()[4:])
    pages = [Image.fromarray(colours() + k) for k in (0, 50)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    frames = [Image.fromarray(colours() + k) for k in (0, 50)]
    frames[0].save(tmp_path / "film.gif", save_all=True, append_images=frames[1:])
    unseen = ("unseen.png", "cursor.cur", "pages.tif")
    for name in ("broken.png", "range.tiff", "film.gif", "missing.png", *unseen):
        with pytest.raises(ValueError, match=f"Not a readable image.*{name}"):
            pictures.read(tmp_path / name)


@pytest.mark.parametrize("mode", ["P", "CMYK", "RGB", "L", "RGBA", "1"])
@pytest.mark.parametrize("scale", [1, 2])
def test_tiff_of_every_mode_can_be_read_again(tmp_path, mode, scale):
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 3
    stored = colours(channels=4) | np.array([0, 0, 0, 1], np.uint8)  # all can be seen
    image = Image.fromarray(stored).convert(mode)
    image.save(tmp_path / "a.tif", exif=exif, compression="tiff_lzw")
    _, after = round_trip(tmp_path, "a.tif", lambda p: p.repeat(scale, 0).repeat(scale, 1))
    assert after.size == (20 * scale, 12 * scale)
    # Pillow turns TIFF files upright when it loads them, which is how they are then written.
    with Image.open(tmp_path / "a.tif") as before:
        wanted = np.asarray(before.convert("RGB"))
    wanted = wanted.repeat(scale, 0).repeat(scale, 1)
    np.testing.assert_array_equal(np.asarray(after.convert("RGB")), wanted)


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


def test_names_may_be_as_long_as_names_can_be(tmp_path):
    name = "a" * 251 + ".png"
    Image.fromarray(colours()).save(tmp_path / name)
    _, after = round_trip(tmp_path, name)
    assert after.size == (20, 12)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "ppm"])
def test_who_writes_into_the_same_folder_meanwhile_changes_nothing(tmp_path, suffix, monkeypatch):
    for name, shade in (("a", 50), ("b", 200)):
        Image.fromarray(np.full((4, 4), shade, np.uint8)).save(tmp_path / f"{name}.{suffix}")
    read = {name: pictures.read(tmp_path / f"{name}.{suffix}") for name in "ab"}
    write, waiting = pictures._write, ["b"]

    def interrupted(*arguments):
        write(*arguments)
        if waiting:  # another process writes another picture before this one has its name
            name = waiting.pop()
            pictures.write(read[name].pixels, read[name], tmp_path / "out" / f"{name}.{suffix}")

    monkeypatch.setattr(pictures, "_write", interrupted)
    pictures.write(read["a"].pixels, read["a"], tmp_path / "out" / f"a.{suffix}")
    assert names(tmp_path / "out") == [f"a.{suffix}", f"b.{suffix}"]
    for name, shade in (("a", 50), ("b", 200)):
        with Image.open(tmp_path / "out" / f"{name}.{suffix}") as made:
            assert np.abs(np.asarray(made, int) - shade).max() <= 2


@pytest.mark.parametrize("name", [".part", ".whole", "a.png"])
def test_what_a_link_leads_to_is_never_overwritten(tmp_path, name):
    Image.fromarray(colours()).save(tmp_path / "a.png")
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "mine.txt")
    round_trip(tmp_path, "a.png")
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert not (tmp_path / "out" / "a.png").is_symlink()
    assert names(tmp_path / "out") == sorted({name, "a.png"})


def test_what_cannot_be_written_leaves_what_was_there(tmp_path, monkeypatch):
    Image.fromarray(colours()).save(tmp_path / "a.png")
    round_trip(tmp_path, "a.png")
    before = (tmp_path / "out" / "a.png").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures, "_write", full)
    with pytest.raises(ValueError, match=r"out/a\.png: cannot be written .*No space left"):
        round_trip(tmp_path, "a.png")
    assert (tmp_path / "out" / "a.png").read_bytes() == before
    assert names(tmp_path / "out") == ["a.png"]


@pytest.mark.parametrize("at_once", [1, 100])
def test_rows_that_are_scaled_apart_fit_together(tmp_path, at_once, monkeypatch):
    monkeypatch.setattr(pictures, "AT_ONCE", at_once)
    stored = deep(9, 7, 3, dtype="float32")
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb")
    picture = pictures.read(tmp_path / "a.tif", value_range=(-1.0, 3.0))
    np.testing.assert_allclose(picture.pixels, (stored + 1.0) / 4.0, atol=1e-6)
    pictures.write(picture.pixels, picture, tmp_path / "b.tif")
    np.testing.assert_allclose(tifffile.imread(tmp_path / "b.tif"), stored, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("value_range", [None, (-1.0, 3.0)])
def test_values_that_are_not_finite_are_refused(tmp_path, value, value_range):
    stored = deep(9, 7, 3, dtype="float32")
    stored[2, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb")
    with pytest.raises(ValueError, match=r"a\.tif.*values that are NaN or Inf; replace them"):
        pictures.read(tmp_path / "a.tif", value_range=value_range)
