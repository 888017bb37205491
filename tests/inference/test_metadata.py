import struct
import zlib

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, PngImagePlugin

from keras_ms.data import read_image
from keras_ms.data.sources import png_chunks
from keras_ms.inference import pictures

PIXELS = np.kron(np.random.default_rng(0).integers(0, 255, (3, 5, 3)), np.ones((4, 4, 1)))
PIXELS = PIXELS.astype(np.uint8)
ORIENTATION = 0x0112


def restored(path):
    """What the file is like when read and written again, and what was left out."""
    picture = pictures.read(path)
    target = path.parent / "out" / path.name
    pictures.write(picture.pixels, picture, target)
    with Image.open(target) as after:
        after.load()
        return picture.notes, after, target


def exif_of(kind, tag, value, orientation=6):
    """EXIF of an orientation and of one entry of any type, which Pillow would not write."""
    types = {"ascii": 2, "rational": 5, "signed": 10, "short": 3}
    head = struct.pack("<HHII", ORIENTATION, 3, 1, orientation)
    place = 8 + 2 + 2 * 12 + 4
    entry = struct.pack("<HHII", tag, types[kind], len(value) if kind == "ascii" else 1, place)
    start = b"II*\0" + struct.pack("<IH", 8, 2)
    return start + head + entry + struct.pack("<I", 0) + value


ODD = {
    "negative": ("signed", 0x011A, struct.pack("<ii", -72, 1)),
    "infinite": ("rational", 0x011A, struct.pack("<II", 72, 0)),
    "text": ("ascii", 0x011A, b"72 dpi!\0"),
    "number_as_name": ("rational", 0x013B, struct.pack("<II", 1, 3)),
}


@pytest.mark.parametrize("odd", sorted(ODD))
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_odd_exif_costs_no_picture(tmp_path, odd, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PIXELS).save(path, exif=b"Exif\0\0" + exif_of(*ODD[odd]), lossless=True)
    assert read_image(path).shape == (20, 12, 3)  # turned
    notes, after, _ = restored(path)
    assert after.size == (20, 12)
    assert after.getexif().get(ORIENTATION) == 6
    assert len(notes) <= 1


def test_an_orientation_that_is_no_number_is_none(tmp_path):
    exif = (
        b"II*\0" + struct.pack("<IH", 8, 1) + struct.pack("<HHI4sI", ORIENTATION, 2, 2, b"6\0", 0)
    )
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + exif)
    assert read_image(tmp_path / "a.jpg").shape == (12, 20, 3)
    notes, after, _ = restored(tmp_path / "a.jpg")
    assert notes == ("EXIF Orientation",)
    assert ORIENTATION not in after.getexif()


@pytest.mark.parametrize("exif", [b"\0\x08garbage", b"II*\0\xff\xff\xff\xff", b""])
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_broken_exif_costs_no_picture(tmp_path, exif, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PIXELS).save(path, exif=b"Exif\0\0" + exif, lossless=True)
    assert read_image(path).shape == PIXELS.shape
    _, after, _ = restored(path)
    assert dict(after.getexif()) == {}


ODD_TAGS = [(315, 12, 1, float("nan"), True), (700, 2, 0, "xmp", True), (274, 2, 0, "6", True)]


@pytest.mark.parametrize("odd", ODD_TAGS)
def test_odd_tags_of_tiff_files_cost_no_picture(tmp_path, odd):
    for name, pixels in (("a.tif", PIXELS), ("b.tif", PIXELS.astype(np.uint16))):
        tifffile.imwrite(tmp_path / name, pixels, photometric="rgb", extratags=[odd])
        np.testing.assert_array_equal(read_image(tmp_path / name), pixels)
        restored(tmp_path / name)
        np.testing.assert_array_equal(tifffile.imread(tmp_path / "out" / name), pixels)


def with_chunks(path, *added):
    Image.fromarray(PIXELS).save(path.with_suffix(".plain"), format="PNG")
    png_chunks.insert(path.with_suffix(".plain"), added, path)


BIG = zlib.compress(bytes(2**21))
LIMITS = {
    "profile": (b"iCCP", b"name\0\0" + BIG),
    "text": (b"zTXt", b"key\0\0" + BIG),
    "international": (b"iTXt", b"key\0\1\0\0\0" + BIG),
    "plain": (b"tEXt", b"key\0" + b"a" * 2**21),
}


@pytest.mark.parametrize("kind", sorted(LIMITS))
def test_texts_and_profiles_beyond_the_readers_limits(tmp_path, kind):
    with_chunks(tmp_path / "a.png", LIMITS[kind], (b"gAMA", struct.pack(">I", 45455)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), PIXELS)
    notes, after, _ = restored(tmp_path / "a.png")
    np.testing.assert_array_equal(np.asarray(after), PIXELS)
    assert notes == (f"PNG {LIMITS[kind][0].decode()} (larger than other readers take)",)
    assert after.info["gamma"] == pytest.approx(0.45455)


SHORT = (b"gAMA", b"cHRM", b"pHYs", b"sRGB", b"tIME", b"cICP", b"tRNS")
DAMAGED = {
    **{f"short {name.decode()}": (name, b"") for name in SHORT},
    "profile without end": (b"iCCP", b"name"),
    "profile not packed": (b"iCCP", b"name\0\0profile"),
    "profile packed otherwise": (b"iCCP", b"name\0\5profile"),
    "text not packed": (b"iTXt", b"key\0\1\0en\0\0text"),
    "text packed otherwise": (b"zTXt", b"key\0\7text"),
    "no key": (b"tEXt", b"\xff\xfe"),
    "control of an animation": (b"acTL", b""),
}


@pytest.mark.parametrize("kind", sorted(DAMAGED))
def test_damaged_chunks_cost_no_picture_and_are_not_passed_on(tmp_path, kind):
    with_chunks(tmp_path / "a.png", DAMAGED[kind])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), PIXELS)
    notes, after, target = restored(tmp_path / "a.png")  # opened by Pillow
    np.testing.assert_array_equal(np.asarray(after), PIXELS)
    kept = png_chunks.content_of(target, DAMAGED[kind][0])
    assert (kept is None) == bool(notes) or kind == "short tRNS"


def test_a_wrong_checksum_of_a_text_costs_no_picture(tmp_path):
    with_chunks(tmp_path / "a.png", (b"tEXt", b"key\0value"))
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[content.index(b"value")] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), PIXELS)
    assert restored(tmp_path / "a.png")[0] == ("PNG tEXt (damaged)",)


def test_wrong_pixels_are_still_refused(tmp_path):
    with_chunks(tmp_path / "a.png", LIMITS["text"])
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[content.index(b"IDAT") + 20] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"Not a readable image.*a\.png"):
        read_image(tmp_path / "a.png")


COLOURS = {
    b"gAMA": struct.pack(">I", 45455),
    b"cHRM": struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    b"cICP": bytes((9, 16, 0, 1)),
    b"sRGB": b"\0",
    b"iCCP": b"name\0\0" + zlib.compress(b"profile"),
}


@pytest.mark.parametrize("name", sorted(COLOURS))
@pytest.mark.parametrize("bits", [8, 16])
def test_what_png_files_say_of_colours_is_kept(tmp_path, name, bits):
    with_chunks(tmp_path / "a.png", (name, COLOURS[name]))
    if bits == 16:
        picture = pictures.read(tmp_path / "a.png")
        deeper = picture._replace(dtype=np.dtype(np.uint16))
        pictures.write(picture.pixels.astype(np.uint16) * 257, deeper, tmp_path / "a.png")
        assert png_chunks.header(tmp_path / "a.png").bits == 16
    notes, _, target = restored(tmp_path / "a.png")
    assert notes == ()
    assert png_chunks.content_of(target, name) == COLOURS[name]
    names = [chunk for chunk, _, _ in png_chunks.chunks(target)]
    assert names.index(name) < names.index(b"IDAT")


def test_texts_resolution_and_time_of_png_files_are_kept(tmp_path):
    told = PngImagePlugin.PngInfo()
    told.add_text("Title", "a")
    told.add_itxt("Author", "ä", zip=True)
    told.add_text("Comment", "c", zip=True)
    told.add(b"vpAg", b"private")
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=told, dpi=(300, 300))
    notes, after, _ = restored(tmp_path / "a.png")
    assert after.text == {"Title": "a", "Author": "ä", "Comment": "c"}
    assert round(after.info["dpi"][0]) == 300
    assert notes == ("PNG vpAg (of these pixels)",)


def segment(marker, content):
    return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content


@pytest.mark.parametrize(
    ("marker", "content"),
    [
        (0xE0, b"JFIF\0"),
        (0xE1, b"Exif\0\0"),
        (0xE2, b"ICC_PROFILE\0\2\5"),
        (0xE2, b"ICC_PROFILE\0"),
        (0xE2, b"MPF\0garbage"),
        (0xED, b"Photoshop 3.0\x008BIM\3"),
        (0xEE, b"Adobe"),
    ],
)
def test_damaged_segments_cost_no_picture(tmp_path, marker, content):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", quality=95)
    plain = read_image(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[:2] + segment(marker, content) + whole[2:])
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg"), plain)
    assert restored(tmp_path / "a.jpg")[1].size == (20, 12)


def test_an_orientation_in_another_type_is_written_as_a_number(tmp_path):
    entry = struct.pack("<HHIII", ORIENTATION, 5, 1, 26, 0) + struct.pack("<II", 6, 1)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=exif)
    assert read_image(tmp_path / "a.jpg").shape == (20, 12, 3)
    notes, after, _ = restored(tmp_path / "a.jpg")
    assert (notes, after.getexif()[ORIENTATION]) == ((), 6)


def test_comments_and_xmp_of_jpeg_files_are_kept_and_what_is_not_is_named(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment=b"hello", icc_profile=b"profile")
    content = (tmp_path / "a.jpg").read_bytes()
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"
    added = segment(0xE1, xmp) + segment(0xED, b"Photoshop 3.0\0") + segment(0xEC, b"Ducky")
    (tmp_path / "a.jpg").write_bytes(content[:2] + added + content[2:])
    notes, after, target = restored(tmp_path / "a.jpg")
    assert after.info["comment"] == b"hello"
    assert after.info["icc_profile"] == b"profile"
    assert xmp in target.read_bytes()
    assert b"Photoshop" in target.read_bytes()
    assert notes == ("JPEG APP12 'Duck'",)


def test_tags_of_tiff_files_are_kept(tmp_path):
    place = (33550, 12, 3, (0.5, 0.5, 0.0), True)
    tifffile.imwrite(
        tmp_path / "a.tif",
        PIXELS.astype(np.uint16) * 257,
        photometric="rgb",
        resolution=(300, 300),
        resolutionunit=2,
        description="a scan",
        software="scanner",
        iccprofile=b"profile",
        metadata=None,
        extratags=[(315, 2, 0, "painter", True), place],
    )
    picture = pictures.read(tmp_path / "a.tif")
    assert picture.notes == ()
    for scale in (1, 2):
        larger = picture.pixels.repeat(scale, 0).repeat(scale, 1)
        pictures.write(larger, picture, tmp_path / "b.tif")
        with tifffile.TiffFile(tmp_path / "b.tif") as file:
            tags = {tag.code: tag.value for tag in file.pages[0].tags}
        assert (tags[270], tags[305], tags[315]) == ("a scan", "scanner", "painter")
        assert (tags[34675], tags[282], tags[296]) == (b"profile", (300, 1), 2)
        assert (33550 in tags) == (scale == 1)  # pixels are then smaller


def test_profile_of_another_colour_space_is_left_out_and_named(tmp_path):
    for mode in ("CMYK", "RGB"):
        image = Image.fromarray(PIXELS).convert(mode)
        image.save(tmp_path / f"{mode}.jpg", icc_profile=b"profile")
    notes, after, _ = restored(tmp_path / "CMYK.jpg")
    assert "icc_profile" not in after.info
    assert notes == ("the colour profile, which is of CMYK",)
    assert restored(tmp_path / "RGB.jpg")[1].info["icc_profile"] == b"profile"


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_exif_and_gps_and_resolution_are_kept(tmp_path, suffix):
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "2026:01:01 00:00:00"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N"}
    options = {"dpi": (300, 300)} if suffix in ("jpg", "png") else {}
    Image.fromarray(PIXELS).save(tmp_path / f"a.{suffix}", exif=exif, **options)
    _, after, _ = restored(tmp_path / f"a.{suffix}")
    found = after.getexif()
    assert ExifTags.Base.DateTimeOriginal in found.get_ifd(ExifTags.IFD.Exif)
    assert found.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    if options:
        assert round(after.info["dpi"][0]) == 300
