"""Folders restored: where results go, what they are compared with, which models will do."""

import numpy as np
import pytest
from conftest import pixels
from PIL import Image, ImageOps

from apps.experiment import masks_of, one_picture, restoring
from keras_ms import inference
from keras_ms.data.sources.class_maps import stored_indices

IDENTITY = inference.Restorer(lambda pictures: pictures, receptive_field=8)


def restored(source, output, compare=None, model=IDENTITY, max_pixels=10**6):
    how = one_picture.How(model, max_pixels)
    job = restoring.Job(how, str(source), str(output), compare and str(compare))
    return restoring.restore_files(job)


def files(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize(("source", "output"), [("", ""), ("b", ""), ("b/b/x.png", "b/b")])
def test_originals_are_never_overwritten(tmp_path, source, output):
    for folder in ("b", "b/b"):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels(8, 8)).save(tmp_path / folder / "x.png")
    with pytest.raises(ValueError, match="overwrite the originals"):
        restored(tmp_path / source, tmp_path / output)


def test_outputs_within_the_input_are_refused(tmp_path):
    Image.fromarray(pixels(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match="must not lie within --input"):
        restored(tmp_path, tmp_path / "out")


def test_output_that_is_a_file_is_refused(tmp_path):
    Image.fromarray(pixels(8, 8)).save(tmp_path / "a.png")
    (tmp_path / "out").touch()
    with pytest.raises(ValueError, match="--output must be a folder"):
        restored(tmp_path / "a.png", tmp_path / "out")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_compared_upright(tmp_path, orientation):
    for folder in ("in", "clean"):
        (tmp_path / folder).mkdir()
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.fromarray(pixels(20, 30))
    turned.save(tmp_path / "in" / "a.png", exif=exif)
    view = ImageOps.exif_transpose(Image.open(tmp_path / "in" / "a.png"))
    view.save(tmp_path / "clean" / "a.png")
    (result,), problems = restored(tmp_path / "in", tmp_path / "out", tmp_path / "clean")
    assert not problems
    assert result.compared[1].psnr == np.inf


def test_clean_pictures_are_found_by_name_whatever_their_format(tmp_path):
    for folder in ("in", "clean"):
        (tmp_path / folder).mkdir()
    for name in ("a [1]", "b", "c"):
        Image.fromarray(pixels(8, 8)).save(tmp_path / "in" / f"{name}.png")
    Image.fromarray(pixels(8, 8)).save(tmp_path / "clean" / "a [1].bmp")
    (tmp_path / "clean" / "a [1].aaa").touch()
    Image.fromarray(pixels(8, 8)).save(tmp_path / "clean" / "c.old.png")
    Image.fromarray(pixels(9, 8)).save(tmp_path / "clean" / "b.png")
    results, problems = restored(tmp_path / "in", tmp_path / "out", tmp_path / "clean")
    assert [r.compared is not None for r in results] == [True, False, False]
    assert [problem.split(":")[0] for problem in problems] == ["b.png", "c.png"]
    assert "c.png" in files(tmp_path / "out")


def test_what_cannot_be_written_does_not_end_the_run(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels(8, 8)).save(tmp_path / "in" / name)
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    results, problems = restored(tmp_path / "in", tmp_path / "out")
    assert [str(result.name) for result in results] == ["b.png"]
    assert "a.png: cannot be written" in problems[0]
    assert files(tmp_path / "out") == {"b.png"}


def test_memory_bounds_that_no_tile_fits_are_refused(tmp_path):
    Image.fromarray(pixels(8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"has 9216 pixels at least. Received: --max_pixels=9215"):
        restored(tmp_path / "a.png", tmp_path / "out", max_pixels=9215)


def test_tiles_of_networks_that_couple_all_pixels_are_announced(tmp_path, capsys):
    Image.fromarray(pixels(200, 200)).save(tmp_path / "a.png")
    coupled = inference.Restorer(lambda pictures: pictures)
    restored(tmp_path / "a.png", tmp_path / "out", model=coupled, max_pixels=160 * 160)
    assert "a.png: the network couples all pixels" in capsys.readouterr().err


OF_CLASSES = {"output": "raw", "classes": ("#000000", "#ff0000")}


@pytest.mark.parametrize(
    ("options", "masks"),
    [({"output": "raw"}, True), ({"spatial_dims": 3}, True), (OF_CLASSES, False)],
)
def test_models_of_other_than_pictures_are_refused(options, masks, monkeypatch):
    monkeypatch.setattr(inference, "load", lambda *_, **__: inference.Restorer(None, **options))
    with pytest.raises(ValueError, match=r"Use keras_ms.inference.restore on arrays"):
        one_picture.load("some", masks=masks)


def test_models_of_classes_write_masks_of_all_pictures_and_of_any_number_of_classes(tmp_path):
    scores = inference.Restorer(lambda x: np.asarray(x)[..., :2], receptive_field=0, **OF_CLASSES)
    for name in ("a.png", "a.bmp", "deep/b.bmp"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(9, 12)).save(tmp_path / "in" / name)
    _, problems = restored(tmp_path / "in", tmp_path / "out", model=scores)
    assert not problems
    assert files(tmp_path / "out") == {"a.png.png", "a.bmp.png", "deep/b.png"}
    red, green, _ = np.moveaxis(pixels(9, 12), -1, 0)
    with Image.open(tmp_path / "out" / "deep" / "b.png") as mask:
        np.testing.assert_array_equal(np.asarray(mask), green > red)
        assert mask.convert("RGB").getpixel((0, 0)) in ((0, 0, 0), (255, 0, 0))
    with pytest.raises(ValueError, match="overwrite the originals"):
        restored(tmp_path / "in" / "a.png", tmp_path / "in", model=scores)
    many = np.eye(300)[[[0, 299]]]
    masks_of.written(many, ["#000000"] * 300, 1, tmp_path / "many.png")
    np.testing.assert_array_equal(stored_indices(tmp_path / "many.png"), [[0, 299]])


def test_the_noise_level_is_checked_before_any_picture():
    with pytest.raises(ValueError, match=r"Received: --noise_level=0.5"):
        one_picture.check(one_picture.How(inference.load("denoising"), noise_level=0.5))
