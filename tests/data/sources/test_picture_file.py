import io
import struct
import threading

import numpy as np
import pytest
import tensorflow as tf
import tifffile
from PIL import Image

from keras_ms.data import read_image
from keras_ms.data.sources.picture_file import header, stored, stored_colours, stored_pixels

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 65536, (6, 7, 4)).astype(np.uint16)
BYTES = (DEEP // 257).astype(np.uint8)


def png16(path, pixels):
    path.write_bytes(tf.io.encode_png(pixels).numpy())


def agrees_with_its_header(path, pixels):
    found = header(path)
    return found[:4] == (*pixels.shape, pixels.dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_files_of_16_bits_keep_them(tmp_path, channels):
    png16(tmp_path / "a.png", DEEP[..., :channels])
    pixels = stored_pixels(tmp_path / "a.png")
    bands = 1 if channels < 3 else 3
    np.testing.assert_array_equal(pixels, DEEP[..., :bands])
    assert agrees_with_its_header(tmp_path / "a.png", pixels)
    found = stored(tmp_path / "a.png")
    if bands < channels:
        np.testing.assert_array_equal(found.alpha, DEEP[..., -1 if channels == 4 else 1])
    else:
        assert found.alpha is None


@pytest.mark.parametrize("greatest", [1023, 65535])
@pytest.mark.parametrize("kind", ["P2", "P3", "P5", "P6"])
def test_pgm_and_ppm_files_of_more_than_8_bits_keep_them(tmp_path, kind, greatest):
    bands = 3 if kind in ("P3", "P6") else 1
    values = RNG.integers(0, greatest + 1, (6, 7, bands))
    plain = " ".join(map(str, values.ravel())).encode()
    body = plain if kind in ("P2", "P3") else values.astype(">u2").tobytes()
    (tmp_path / "a.ppm").write_bytes(f"{kind}\n# 1 2\n7 6\n{greatest}\n".encode() + body)
    pixels = stored_pixels(tmp_path / "a.ppm")
    np.testing.assert_array_equal(pixels, np.round(values * (65535 / greatest)))
    assert agrees_with_its_header(tmp_path / "a.ppm", pixels)
    (tmp_path / "a.ppm").write_bytes(f"{kind} 7 6 {greatest}\n".encode() + body[:-9])
    with pytest.raises(ValueError, match=r"a\.ppm.*ends before its last pixel"):
        stored_pixels(tmp_path / "a.ppm")


TIFFS = {
    "bands last": (DEEP, {"photometric": "minisblack", "planarconfig": "contig"}),
    "bands first": (np.moveaxis(DEEP, 2, 0), {"planarconfig": "separate"}),
    "zipped": (DEEP[..., :3], {"photometric": "rgb", "compression": "zlib"}),
    "by tifffile as it comes": (RNG.random((40, 7, 5)), {}),
    "bands first as they come": (np.moveaxis(RNG.random((40, 7, 5)), 2, 0), {}),
    "of ImageJ": (np.moveaxis(DEEP, 2, 0), {"imagej": True}),
    "big and from the other end": (DEEP[..., 0], {"bigtiff": True, "byteorder": ">"}),
    "bytes without alpha": (BYTES, {"photometric": "rgb", "extrasamples": ["unspecified"]}),
    "two bands": (BYTES[..., :2], {"photometric": "minisblack", "planarconfig": "contig"}),
    "half": (DEEP[..., 0].astype(np.float16) / 2, {}),
    "signed": (DEEP[..., 0].astype(np.int16), {}),
    "long": (DEEP[..., 0].astype(np.uint32) * 60000, {}),
}


@pytest.mark.parametrize("kind", sorted(TIFFS))
def test_tiff_files_keep_their_depth_and_their_bands(tmp_path, kind):
    array, options = TIFFS[kind]
    if options.get("planarconfig") == "separate":
        options = {**options, "photometric": "minisblack"}
    tifffile.imwrite(tmp_path / "a.tif", array, **options)
    pixels = stored_pixels(tmp_path / "a.tif")
    first = "bands first" in kind or "ImageJ" in kind
    wanted = np.moveaxis(array, 0, 2) if first else array.reshape(*array.shape[:2], -1)
    np.testing.assert_array_equal(pixels, wanted)
    whole = {"half": "float32", "signed": "float32", "long": "float64"}
    assert pixels.dtype == whole.get(kind, array.dtype)
    assert agrees_with_its_header(tmp_path / "a.tif", pixels)


def test_white_may_be_zero(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DEEP[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(stored_pixels(tmp_path / "a.tif")[..., 0], 65535 - DEEP[..., 0])


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha"])
def test_alpha_of_deep_tiff_files_is_no_band(tmp_path, kind):
    alpha = np.full((6, 7, 1), 32768, np.uint16)
    alpha[0, 0] = 0
    colours = DEEP[..., :3] // 2
    shown = colours // 2 if kind == "assocalpha" else colours
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.concatenate([shown, alpha], -1),
        photometric="rgb",
        extrasamples=[kind],
    )
    pixels = stored_pixels(tmp_path / "a.tif").astype(int)
    assert pixels.shape == (6, 7, 3)
    seen = alpha[..., 0] > 0
    assert np.abs(pixels - colours)[seen].max() <= 2
    assert pixels[0, 0].tolist() in [pixels[0, 1].tolist(), pixels[1, 0].tolist()]


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressions_that_tifffile_lacks_are_pillows(tmp_path, compression):
    for pixels in (DEEP[..., 0], DEEP[..., 0].astype(np.float32), BYTES[..., :3]):
        Image.fromarray(pixels).save(tmp_path / "a.tif", compression=compression)
        got = stored_pixels(tmp_path / "a.tif")
        assert got.dtype == pixels.dtype
        np.testing.assert_array_equal(np.squeeze(got), pixels)


def lzw_of_16_bits(path, pixels, **options):
    """Pillow writes bytes only: two of them a sample, whose tags are then changed."""
    height, width, bands = pixels.shape
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, 2 * width, bands)
    image = Image.fromarray(rows)
    image.save(path, compression="tiff_lzw", **options)
    with tifffile.TiffFile(path, mode="r+b") as file:
        tags = file.pages[0].tags
        tags[256].overwrite(width)
        tags[258].overwrite((16,) * bands)


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_lzw_of_16_bits_and_many_bands(tmp_path, rows):
    smooth = np.cumsum(RNG.integers(0, 90, (10, 11, 3)), axis=1).astype(np.uint16)
    for pixels in (smooth, RNG.integers(0, 65536, (10, 11, 3)).astype(np.uint16)):
        lzw_of_16_bits(tmp_path / "a.tif", pixels, tiffinfo={278: rows})
        np.testing.assert_array_equal(stored_pixels(tmp_path / "a.tif"), pixels)


def test_stacks_of_pages_are_refused_by_name(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", RNG.random((40, 50, 60)).astype("float32"))
    with pytest.raises(ValueError, match=r"a\.tif.*\(40, 50, 60\).*at most 32 bands"):
        stored_pixels(tmp_path / "a.tif")
    many = RNG.integers(0, 255, (6, 7, 33)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "b.tif", many, planarconfig="contig", photometric="minisblack")
    with pytest.raises(ValueError, match=r"b\.tif.*33 bands, and at most 32"):
        stored_pixels(tmp_path / "b.tif")


def sgi16(pixels):
    height, width, bands = pixels.shape
    start = struct.pack(">hBBHHHH", 474, 0, 2, 3, width, height, bands)
    return start.ljust(512, b"\0") + np.moveaxis(pixels[::-1], 2, 0).astype(">u2").tobytes()


def test_what_would_lose_bits_is_refused_by_name(tmp_path):
    (tmp_path / "a.sgi").write_bytes(sgi16(DEEP[..., :3]))
    for read in (stored_pixels, header):
        with pytest.raises(ValueError, match=r"a\.sgi.*SGI of 16 bits and 3 bands"):
            read(tmp_path / "a.sgi")
    Image.fromarray(DEEP[..., 0]).save(tmp_path / "a.jp2")
    np.testing.assert_array_equal(stored_pixels(tmp_path / "a.jp2")[..., 0], DEEP[..., 0])
    Image.fromarray(BYTES[..., :3]).save(tmp_path / "b.jp2")
    content = bytearray((tmp_path / "b.jp2").read_bytes())
    content[content.index(b"\xff\x4f\xff\x51") + 42] = 15  # depth, less one, of the first band
    (tmp_path / "b.jp2").write_bytes(content)
    with pytest.raises(ValueError, match=r"b\.jp2.*JPEG2000 of 16 bits"):
        stored_pixels(tmp_path / "b.jp2")


@pytest.mark.parametrize(
    ("name", "mode", "bands"),
    [
        *(("a.png", mode, 1) for mode in ("1", "L", "LA")),
        *(("a.png", mode, 3) for mode in ("P", "RGB", "RGBA")),
        *(("a.tif", mode, 3) for mode in ("CMYK", "P", "RGBA")),
        *(("a.tif", mode, 1) for mode in ("1", "L", "LA")),
        *((f"a.{suffix}", "RGB", 3) for suffix in ("sgi", "webp", "jfif", "jp2", "bmp")),
        *((f"a.{suffix}", "L", 1) for suffix in ("pgm", "pcx", "tga", "im")),
    ],
)
def test_pictures_of_8_bits_have_the_bands_that_they_show(tmp_path, name, mode, bands):
    Image.fromarray(BYTES[..., :3]).convert(mode).save(tmp_path / name)
    pixels = stored_pixels(tmp_path / name)
    assert (pixels.shape, pixels.dtype) == ((6, 7, bands), np.uint8)
    assert agrees_with_its_header(tmp_path / name, pixels)
    assert read_image(tmp_path / name).shape == (6, 7, 3)
    assert stored_colours(tmp_path / name).shape == (6, 7, 3)


def test_bands_may_be_asked_for(tmp_path):
    Image.fromarray(BYTES[..., 0]).save(tmp_path / "grey.png")
    assert read_image(tmp_path / "grey.png", bands=1).shape == (6, 7, 1)
    Image.fromarray(BYTES[..., :3]).save(tmp_path / "colour.png")
    with pytest.raises(ValueError, match=r"colour\.png.*3 bands, the others have 1"):
        read_image(tmp_path / "colour.png", bands=1)
    png16(tmp_path / "deep.png", DEEP[..., :1])
    assert read_image(tmp_path / "deep.png", bands=3).shape == (6, 7, 3)
    with pytest.raises(ValueError, match=r"colours have 8 bits"):
        stored_colours(tmp_path / "deep.png")


def test_colours_are_as_they_are_written_even_where_hidden(tmp_path):
    hidden = BYTES.copy()
    hidden[..., 3] = 0
    Image.fromarray(hidden).save(tmp_path / "a.png")
    np.testing.assert_array_equal(stored_colours(tmp_path / "a.png"), hidden[..., :3])


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.ppm", "a.jpg", "deep.png", "deep.tif"])
def test_the_limit_of_size_is_named(tmp_path, name):
    if name == "deep.png":
        png16(tmp_path / name, DEEP)
    elif name == "deep.tif":
        tifffile.imwrite(tmp_path / name, DEEP)
    else:
        Image.fromarray(BYTES[..., :3]).save(tmp_path / name)
    assert stored_pixels(tmp_path / name, max_megapixels=42e-6).shape[:2] == (6, 7)
    with pytest.raises(ValueError, match=rf"{name}.*max_megapixels=4e-05.*--max_megapixels"):
        stored_pixels(tmp_path / name, max_megapixels=4e-5)


def test_pillows_limit_is_lifted_while_we_read_and_no_longer(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    Image.fromarray(BYTES[..., 0]).save(tmp_path / "a.png")
    threads = [threading.Thread(target=stored_pixels, args=(tmp_path / "a.png",)) for _ in "1234"]
    for thread in threads:
        thread.start()
    assert stored_pixels(tmp_path / "a.png").shape == (6, 7, 1)
    for thread in threads:
        thread.join()
    assert Image.MAX_IMAGE_PIXELS == 10
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO((tmp_path / "a.png").read_bytes()))
