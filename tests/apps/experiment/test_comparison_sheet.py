import os

import numpy as np
import pytest
from PIL import Image

from apps.experiment import comparison_sheet, one_picture, restoring
from keras_ms import inference

ROW = {"input": np.zeros((8, 12, 3), np.uint8), "restored": np.full((8, 12, 3), 200, np.uint8)}
NAME, OTHER = "comparison_sheet.png", "comparison_sheet_2.png"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def written(folder):
    return comparison_sheet.write([ROW], folder).name


def test_a_sheet_of_a_former_run_is_replaced(tmp_path):
    assert [written(tmp_path) for _ in range(2)] == [NAME, NAME]
    assert names(tmp_path) == [NAME]
    with Image.open(tmp_path / NAME) as sheet:
        sheet.load()
        assert sheet.size[0] > sheet.size[1]


def saved(path):
    Image.new("RGB", (4, 4)).save(path)


def linked(path):
    saved(path.with_name("mine.png"))
    path.symlink_to(path.with_name("mine.png"))


OTHERS = {
    "a picture": saved,
    "no picture": lambda path: path.write_text("mine"),
    "nothing": lambda path: path.touch(),
    "a link": linked,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("case", OTHERS)
def test_what_is_not_ours_is_not_replaced(case, links, tmp_path, monkeypatch):
    OTHERS[case](tmp_path / NAME)
    before = {path.name: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}
    if not links:  # a file system without

        def refused(*_):
            raise PermissionError(1, "no links here")

        monkeypatch.setattr(os, "link", refused)
    assert [written(tmp_path) for _ in range(2)] == [OTHER, OTHER]
    assert names(tmp_path) == sorted([*before, OTHER])
    (tmp_path / OTHER).unlink()
    after = {path.name: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}
    assert after == before


def test_a_sheet_that_was_changed_is_the_users(tmp_path):
    written(tmp_path)
    with Image.open(tmp_path / NAME) as sheet:
        changed = sheet.convert("RGB")
    changed.save(tmp_path / NAME)
    assert written(tmp_path) == OTHER


def test_a_picture_of_the_sheets_name_is_restored_beside_the_sheet(tmp_path):
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    written(tmp_path / "in")  # a sheet of ours, restored like any picture
    written(tmp_path / "out")
    identity = inference.Restorer(lambda pictures: pictures, receptive_field=8)
    job = restoring.Job(one_picture.How(identity), str(tmp_path / "in"), str(tmp_path / "out"))
    for _ in range(2):
        results, problems = restoring.restore_files(job)
        assert not problems
        restoring.show(results, job.output)
        assert names(tmp_path / "out") == [NAME, OTHER]
        with (
            Image.open(tmp_path / "out" / NAME) as made,
            Image.open(tmp_path / "in" / NAME) as read,
        ):
            assert made.size == read.size


def test_a_sheet_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def failing(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(comparison_sheet.plots, "draw_sheet", failing)
    with pytest.raises(OSError, match="comparison_sheet"):
        written(tmp_path)
    result = restoring.Result(tmp_path / "a.png", ROW, None)
    with pytest.raises(ValueError, match=r"pictures are in .*but their sheet cannot be written"):
        restoring.show([result], str(tmp_path))
    assert not names(tmp_path)
