import os

import numpy as np
import pytest
from PIL import Image

from keras_ms import data
from keras_ms.data.sources import image_files


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4)).save(path, format=None if path.suffix != ".pnm" else "PPM")


def names(root):
    return [path.relative_to(root).as_posix() for path in data.image_files(root)]


@pytest.mark.parametrize(
    "suffix",
    ["jfif", "jpe", "JPG", "pgm", "pnm", "pbm", "tga", "jp2", "j2k", "avif", "qoi", "tiff"],
)
def test_every_suffix_that_the_readers_know_is_found(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        pytest.skip("this Pillow does not write it")
    Image.new("L" if suffix == "pgm" else "1" if suffix == "pbm" else "RGB", (6, 4)).save(path)
    assert names(tmp_path) == [path.name]
    assert data.read_image(path).shape == (4, 6, 3)


def test_other_files_are_counted_and_named(tmp_path):
    picture(tmp_path / "a.png")
    for name in ("b.txt", "c.heic", "d.pdf", "e.h5", "f.mpg", "g"):
        (tmp_path / name).write_text("x")
    os.symlink(tmp_path / "missing.png", tmp_path / "gone.png")
    with pytest.warns(
        UserWarning,
        match=r"one link to nothing: \S*gone.png; 6 files were passed over.*b\.txt.*c\.heic",
    ) as said:
        images = data.FolderImages(tmp_path)
    assert len(said) == 1
    assert said[0].filename == __file__
    assert {path.name for path in images.passed_over} >= {"b.txt", "gone.png"}
    assert len(images) == 1


def test_stereo_photographs_are_pictures(tmp_path):
    first, second = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "a.mpo", format="MPO", save_all=True, append_images=[second])
    assert names(tmp_path) == ["a.mpo"]
    np.testing.assert_allclose(data.read_image(tmp_path / "a.mpo")[0, 0], [255, 0, 0], atol=2)


def test_what_is_passed_over_is_called_what_it_is(tmp_path):
    picture(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("x")
    os.symlink(tmp_path / "nowhere" / "b.png", tmp_path / "b.png")
    os.symlink("c.jpg", tmp_path / "c.jpg")  # leads to itself
    os.symlink(tmp_path / "nowhere.txt", tmp_path / "d")
    os.mkfifo(tmp_path / "e.png")
    said = image_files.passed_over(image_files.found(tmp_path).passed_over)
    links, pipe, others = said.split("; ")
    assert links.startswith("3 links to nothing: ")
    assert [os.path.basename(name) for name in links.split(", ")] == ["b.png", "c.jpg", "d"]
    assert pipe.startswith("one device or pipe named like a picture: ")
    assert others.startswith("one file was passed over, not named like a picture: ")
    assert others.endswith("notes.txt")


def test_a_folder_of_other_files_only_says_what_it_holds(tmp_path):
    (tmp_path / "a.heic").write_text("x")
    with pytest.raises(ValueError, match=r"no image in the folder.*a\.heic"):
        data.image_files(tmp_path)


def test_linked_folders_are_followed_once_and_circles_end(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    picture(root / "own" / "a.png")
    picture(other / "deep" / "b.png")
    os.symlink(other, root / "linked")
    os.symlink(root, other / "back")
    os.symlink(root / "own", root / "also_own")
    os.symlink(other / "deep", root / "own" / "again")
    os.symlink(other, other / "deep" / "circle")
    found = names(root)
    assert found == sorted(found)
    assert sum(name.endswith("a.png") for name in found) == 1
    assert sum(name.endswith("b.png") for name in found) == 1
    assert "own/a.png" in found


def test_the_folder_itself_may_be_a_link(tmp_path):
    picture(tmp_path / "real" / "a.png")
    os.symlink(tmp_path / "real", tmp_path / "link")
    assert names(tmp_path / "link") == ["a.png"]


def test_a_linked_picture_is_found(tmp_path):
    picture(tmp_path / "elsewhere" / "a.png")
    (tmp_path / "root").mkdir()
    os.symlink(tmp_path / "elsewhere" / "a.png", tmp_path / "root" / "b.png")
    assert names(tmp_path / "root") == ["b.png"]
    assert np.all(data.folder(tmp_path / "root")[0] == 0)
