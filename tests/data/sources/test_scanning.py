"""Folders are looked at before they are decoded: what is of no use is counted and named."""

import os

import numpy as np
import pytest
from PIL import Image

from apps.experiment import building
from apps.experiment.settings import Settings
from keras_ms import data
from keras_ms.data.sources import decoding, image_files
from keras_ms.data.sources.named_images import NamedImages, in_memory
from keras_ms.data.sources.read_ahead import read_ahead
from keras_ms.tasks import Denoising


def picture(path, size=(40, 40), value=7):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path)


@pytest.fixture
def folder(tmp_path):
    """Ten pictures, of which two are broken and one is small."""
    for number in range(8):
        picture(tmp_path / f"{number}.png", value=number)
    picture(tmp_path / "small.png", (40, 12))
    (tmp_path / "empty.png").write_bytes(b"")
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "text.png").write_bytes(whole[:10])
    return tmp_path


def test_a_scan_counts_and_names_without_decoding(folder, monkeypatch):
    def decoded(*args):
        raise AssertionError("decoded")

    monkeypatch.setattr("keras_ms.data.sources.folder.stored_pixels", decoded)
    images = data.FolderImages(folder)
    assert len(images) == 11
    seen = images.scan(32)
    assert (seen.total, len(seen.usable), len(images)) == (11, 8, 8)
    assert sorted(map(os.path.basename, seen.unreadable)) == ["empty.png", "text.png"]
    ((name, reason),) = seen.small.items()
    assert os.path.basename(name) == "small.png"
    assert reason == "12 x 40 pixels, smaller than 32"
    assert seen.decoded_bytes == 8 * 40 * 40 * 3
    lines = "\n".join(seen.lines())
    assert "2 of 11 images cannot be read" in lines
    assert "small.png (12 x 40 pixels" in lines


def test_too_much_that_is_of_no_use_is_refused_by_name(folder):
    seen = data.FolderImages(folder).scan(32)
    seen.check(0.3)
    with pytest.raises(ValueError, match=r"3 of 11 images.*empty\.png.*small\.png.*max_bad_frac"):
        seen.check(0.2)


def test_a_dataset_counts_unreadable_and_small_pictures_together(folder):
    images = data.FolderImages(folder)
    images.scan()
    with pytest.warns(UserWarning, match=r"Skipped 3 of 11 images: .*empty\.png.*small\.png"):
        data.MultiscaleDataset(images, Denoising(), (1, 2), 32, max_bad_fraction=0.3)
    with pytest.raises(ValueError, match=r"3 of 11 images cannot be used"):
        data.MultiscaleDataset(data.FolderImages(folder), Denoising(), (1, 2), 32)


def test_held_out_pictures_keep_their_names(folder):
    kept = in_memory(data.FolderImages(folder))
    assert isinstance(kept, NamedImages)
    assert len(kept) == 9
    with pytest.warns(UserWarning, match=r"3 of 11 images: .*small\.png \(of size"):
        data.evaluation_pairs(kept, Denoising(), 32, samples=2, max_bad_fraction=0.3)
    assert in_memory(iter([1, 2])) == [1, 2]


def test_pairs_are_scanned_alike(tmp_path):
    for number in range(4):
        picture(tmp_path / "x" / f"{number}.png")
        picture(tmp_path / "y" / f"{number}.png", (80, 80))
    (tmp_path / "y" / "1.png").write_bytes(b"")
    picture(tmp_path / "x" / "2.png", (8, 8))
    picture(tmp_path / "y" / "2.png", (16, 16))
    pairs = data.FolderPairs(tmp_path / "x", tmp_path / "y")
    seen = pairs.scan(32)
    assert (len(seen.usable), len(pairs), seen.total) == (2, 2, 4)
    ((name, reason),) = seen.unreadable.items()
    assert os.path.basename(name) == "1.png"
    assert os.path.join("y", "1.png") in reason
    assert list(seen.small.values()) == ["16 x 16 pixels, smaller than 32"]
    with pytest.warns(UserWarning, match="Skipped 2 of 4 examples"):
        made = data.MultiscaleDataset(pairs, levels=(1, 2), image_size=64, max_bad_fraction=0.5)
    assert made.pairs.reading.count == 2


def test_the_apps_scan_and_refuse_by_the_flag(folder, capsys):
    usual = {"dataset": "folder", "data_dir": str(folder), "image_size": 32, "batch_sizes": (1,)}
    kind = building.kind_of(Settings(**usual, max_bad_fraction=0.5))
    lines = "\n".join(kind.scan())
    assert "of split 'train' cannot be read" in lines
    both = len(kind.load("train")) + len(kind.load("validation"))
    assert both == 8
    strict = building.kind_of(Settings(**usual, max_bad_fraction=0.0))
    with pytest.raises(ValueError, match="--max_bad_fraction"):
        strict.scan()


def test_a_locked_folder_is_named(folder, monkeypatch):
    picture(folder / "locked" / "a.png")
    scandir = os.scandir

    def locked(path):
        if os.path.basename(path) == "locked":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", locked)
    found = image_files.found(folder)
    assert len(found.pictures) == 11
    said = image_files.passed_over(found.passed_over)
    assert said.startswith("one folder cannot be looked into, for want of permission: ")
    assert said.endswith("locked")
    with pytest.warns(UserWarning, match="cannot be looked into"):
        data.FolderImages(folder)


def test_a_picture_that_does_not_fit_in_memory_is_skipped_by_name(folder, monkeypatch):
    monkeypatch.setattr(decoding, "available_bytes", lambda: 1_000.0)
    with (
        pytest.warns(UserWarning, match=r"4\.png \(decoding its 40 x 40 pixels takes .* are free"),
        pytest.raises(ValueError, match="No readable image"),
    ):
        list(data.FolderImages(folder, "validation"))


@pytest.mark.parametrize(("most", "at_once"), [(100, 1), (5, 1), (0, 1)])
def test_large_files_are_read_one_at_a_time(most, at_once, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    waiting, seen = [], []

    def read(item):
        waiting.append(item)
        return item

    for item, found in read_ahead(range(6), read, lambda item: 60, most):
        seen.append((item, found))
        assert max(waiting) <= item + at_once
    assert seen == [(n, n) for n in range(6)]


def test_pixels_of_floats_are_scaled_as_before(tmp_path):
    import tifffile

    values = np.random.default_rng(0).normal(5.0, 1.0, (9, 8)).astype(np.float32)
    tifffile.imwrite(tmp_path / "a.tif", values)
    (image,) = data.FolderImages(tmp_path, value_range=(0.0, 10.0))
    wanted = (values.astype(np.float64) / 10.0).astype(np.float32)
    np.testing.assert_array_equal(image[..., 0], wanted)
