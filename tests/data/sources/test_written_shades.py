"""Masks hold the numbers that stand in their files, however bright readers make them."""

import functools
import warnings

import grey_files
import numpy as np
import pytest
import tifffile
from PIL import Image

from keras_ms.data import FolderPairs
from keras_ms.data.inputs import examples_of
from keras_ms.data.sources.class_maps import stored_indices

MASKS = np.random.default_rng(0).integers(0, 4, (3, 6, 7)).astype(np.uint8)

WAYS = {  # how a mask is written, and the suffix
    "PNG of 2 bits": (functools.partial(grey_files.png, bits=2), ".png"),
    "PNG of 4 bits": (functools.partial(grey_files.png, bits=4), ".png"),
    "PNG of 8 bits": (functools.partial(grey_files.png, bits=8), ".png"),
    "TIFF of 2 bits": (functools.partial(grey_files.tiff, bits=2), ".tif"),
    "TIFF of 4 bits": (functools.partial(grey_files.tiff, bits=4), ".tif"),
    "TIFF of 4 bits, 0 white": (
        functools.partial(grey_files.tiff, bits=4, white_at_zero=True),
        ".tif",
    ),
    "TIFF of 8 bits, 0 white": (
        functools.partial(grey_files.tiff, bits=8, white_at_zero=True),
        ".tif",
    ),
    "PGM to 3": (functools.partial(grey_files.pgm, greatest=3), ".pgm"),
    "PGM to 11": (functools.partial(grey_files.pgm, greatest=11), ".pgm"),
    "PGM to 254": (functools.partial(grey_files.pgm, greatest=254), ".pgm"),
    "PGM to 255": (functools.partial(grey_files.pgm, greatest=255), ".pgm"),
    "PGM to 1000": (functools.partial(grey_files.pgm, greatest=1000), ".pgm"),
    "PGM to 65535": (functools.partial(grey_files.pgm, greatest=65535), ".pgm"),
    "plain PGM to 3": (functools.partial(grey_files.pgm, greatest=3, plain=True), ".pgm"),
    "plain PGM to 300": (functools.partial(grey_files.pgm, greatest=300, plain=True), ".pgm"),
    "TIFF of floats": (lambda path, values: tifffile.imwrite(path, values.astype("f4")), ".tif"),
    "TIFF of doubles": (lambda path, values: tifffile.imwrite(path, values.astype("f8")), ".tif"),
    "TIFF of int32": (lambda path, values: tifffile.imwrite(path, values.astype("i4")), ".tif"),
    "TIFF of int8": (lambda path, values: tifffile.imwrite(path, values.astype("i1")), ".tif"),
}


def written(folder, way):
    write, suffix = WAYS[way]
    folder.mkdir()
    paths = [folder / f"{number}{suffix}" for number in range(len(MASKS))]
    for path, mask in zip(paths, MASKS, strict=True):
        write(path, mask)
    return paths


def photographs(folder):
    folder.mkdir()
    paths = [folder / f"{number}.png" for number in range(len(MASKS))]
    for path in paths:
        Image.new("RGB", (7, 6)).save(path)
    return paths


@pytest.mark.parametrize("way", WAYS)
def test_masks_are_the_same_in_every_file_and_every_reader(tmp_path, way):
    inputs, targets = photographs(tmp_path / "x"), written(tmp_path / "y", way)
    np.testing.assert_array_equal([stored_indices(path) for path in targets], MASKS)
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", classes=4)
    np.testing.assert_array_equal([y for _, y in pairs], MASKS)
    listed = examples_of((inputs, targets))
    found = [example[1] for _, example in listed.passes()]
    np.testing.assert_array_equal(np.stack(found)[..., 0], MASKS)
    floats = "floats" in way or "doubles" in way
    assert found[0].dtype == listed.spec[1].dtype
    assert (found[0].dtype.kind == "f") == floats  # whether they are classes, the loss tells


@pytest.mark.parametrize("write", [grey_files.png, grey_files.tiff])
def test_one_bit_is_0_and_1(tmp_path, write):
    mask = MASKS[0] > 1
    path = tmp_path / ("a.png" if write is grey_files.png else "a.tif")
    write(path, mask, 1)
    np.testing.assert_array_equal(stored_indices(path), mask)
    ((_, (x, y)),) = examples_of(([str(path)], [str(path)])).passes()
    np.testing.assert_array_equal(y[..., 0], mask)
    np.testing.assert_array_equal(x[..., 0], 255 * mask)  # an input is a picture


def test_pictures_of_few_bits_are_as_bright_as_others(tmp_path):
    (tmp_path / "y").mkdir()
    photographs(tmp_path / "x")
    grey_files.png(tmp_path / "y/0.png", np.full((6, 7), 5), 4)
    grey_files.pgm(tmp_path / "y/1.pgm", np.full((6, 7), 1), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an input without target
        found = [y.max() for _, y in FolderPairs(tmp_path / "x", tmp_path / "y")]
    np.testing.assert_allclose(found, 1 / 3, rtol=1e-6)


@pytest.mark.parametrize("wrong", [0.5, np.nan, np.inf, 1e300])
def test_floats_that_are_no_numbers_of_classes_are_named(tmp_path, wrong):
    values = np.ones((4, 4))
    values[1, 2] = wrong
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(ValueError, match=r"a\.tif.*no whole numbers, such as"):
        stored_indices(tmp_path / "a.tif")


def test_a_refused_mask_of_few_bits_names_numbers_of_its_file(tmp_path):
    photographs(tmp_path / "x")
    (tmp_path / "y").mkdir()
    for number in range(3):
        grey_files.png(tmp_path / f"y/{number}.png", np.full((6, 7), 9), 4)
    with pytest.raises(ValueError, match=r"Received: 9 in .*Use classes=10 if they are"):
        list(FolderPairs(tmp_path / "x", tmp_path / "y", classes=4))
