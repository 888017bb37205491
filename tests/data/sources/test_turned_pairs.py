"""Pairs of which one file alone is turned are told, where their sides fit either way."""

import warnings

import numpy as np
import pytest
from PIL import Image

import keras_ms
from keras_ms.data import FolderPairs


def saved(path, sides, orientation, channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    pixels = np.random.default_rng(0).integers(0, 2, (*sides, channels), dtype=np.uint8)
    image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    image.save(path, exif=exif)
    return path


def folders(tmp_path, inputs, targets, suffix=".jpg"):
    """Pairs of `(sides, orientation)`."""
    both = zip(inputs, targets, strict=True)
    return [
        (saved(tmp_path / f"x/{n}{suffix}", *x), saved(tmp_path / f"y/{n}.png", *y, channels=1))
        for n, (x, y) in enumerate(both)
    ]


def said(make):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        make()
    return [str(w.message) for w in caught if "EXIF" in str(w.message)]


PLAIN = ((16, 24), 1)
SQUARE = (16, 16)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
def test_a_turned_photograph_beside_a_mask_that_says_nothing(tmp_path, suffix):
    inputs = [(SQUARE, 1), (SQUARE, 6), (SQUARE, 3)]
    folders(tmp_path, inputs, [(SQUARE, 1)] * 3, suffix)
    pairs = FolderPairs(tmp_path / "x", tmp_path / "y", 2)
    (text,) = said(lambda: [list(pairs), keras_ms.MultiscaleDataset(pairs, levels=(1,))])
    assert text.startswith("2 of 3 pairs may not lie alike")
    assert f"x/1{suffix} (orientation 6) and " in text
    assert "y/1.png (orientation 1), " in text
    assert "exif_transpose" in text


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [
        (((16, 24), 3), PLAIN, True),  # upside down: sides stay
        (((16, 24), 2), PLAIN, True),
        (PLAIN, ((16, 24), 4), True),
        (((24, 16), 6), PLAIN, False),  # drawn on the upright photograph: sides say so
        (((16, 24), 3), ((16, 24), 3), False),
        ((SQUARE, 6), (SQUARE, 8), False),  # both say how they lie
        (PLAIN, PLAIN, False),
    ],
)
def test_pairs_are_told_where_sides_do_not_tell(tmp_path, x, y, told):
    files = folders(tmp_path, [x, PLAIN], [y, PLAIN])
    found = said(lambda: list(FolderPairs(tmp_path / "x", tmp_path / "y", 2)))
    assert len(found) == told
    paths = [list(map(str, side)) for side in zip(*files, strict=True)]
    in_memory = [[Image.open(path) for path in side] for side in paths]
    for lists in (paths, in_memory):
        found = said(lambda both=lists: keras_ms.MultiscaleDataset(tuple(both), None, (1,), 16))
        assert len(found) == told


def test_files_that_cannot_be_read_are_passed_over(tmp_path):
    folders(tmp_path, [(SQUARE, 6), PLAIN, PLAIN, PLAIN], [(SQUARE, 1), PLAIN, PLAIN, PLAIN])
    (tmp_path / "y/0.png").write_bytes(b"no picture")
    assert said(lambda: list(FolderPairs(tmp_path / "x", tmp_path / "y", 2))) == []
