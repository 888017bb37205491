import dataclasses
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from apps.experiment import one_picture, restoring
from keras_ms import inference, safe_files

IDENTITY = inference.Restorer(lambda pictures: pictures, receptive_field=8)
PIXELS = np.random.default_rng(0).integers(0, 65536, (20, 30, 5)).astype(np.uint16)


def restored(folder, channels=3, model=IDENTITY, compare=None, **options):
    how = one_picture.How(dataclasses.replace(model, channels=channels), **options)
    job = restoring.Job(how, str(folder / "in"), str(folder / "out"), compare)
    return restoring.restore_files(job)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    return tmp_path


@pytest.mark.parametrize(("bands", "channels"), [(1, 1), (1, 3), (3, 3), (5, 5)])
def test_files_of_16_bits_are_restored_at_their_depth_and_bands(folder, bands, channels):
    stored = PIXELS[..., 0] if bands == 1 else PIXELS[..., :bands]
    tifffile.imwrite(folder / "in" / "a.tif", stored, photometric="minisblack")
    results, problems = restored(folder, channels)
    assert not problems
    np.testing.assert_array_equal(tifffile.imread(folder / "out" / "a.tif"), stored)
    assert all(part.shape == (20, 30, 3) for part in results[0].row.values())


def test_grey_files_go_through_colour_models_in_grey(folder):
    Image.fromarray((PIXELS[..., 0] // 257).astype(np.uint8)).save(folder / "in" / "a.png")
    seen = []

    def tinted(pictures):
        seen.append(pictures.shape)
        return np.clip(pictures / 2 + np.array([0, 30, 60]) / 255, 0.0, 1.0)

    assert not restored(folder, model=inference.Restorer(tinted, receptive_field=8))[1]
    assert seen == [(1, 20, 30, 3)]
    with Image.open(folder / "out" / "a.png") as made:
        wanted = (PIXELS[..., 0] // 257) // 2 + 30
        assert made.mode == "L"
        np.testing.assert_allclose(np.asarray(made), wanted, atol=1)


def test_models_of_one_channel_take_colours_that_are_grey(folder):
    grey = np.repeat((PIXELS[..., :1] // 257).astype(np.uint8), 3, axis=-1)
    Image.fromarray(grey).save(folder / "in" / "a.png")
    grey[0, 0, 0] ^= 1
    Image.fromarray(grey).save(folder / "in" / "b.png")
    results, problems = restored(folder, channels=1)
    assert [str(result.name) for result in results] == ["a.png"]
    assert len(problems) == 1
    assert problems[0].endswith("b.png: has 3 bands, the model takes 1.")


def test_the_limit_of_size_is_a_flag(folder):
    Image.fromarray(np.zeros((20, 30), np.uint8)).save(folder / "in" / "a.png")
    _, (problem,) = restored(folder, max_megapixels=0.0005)
    assert "a.png" in problem
    assert "--max_megapixels" in problem
    assert not restored(folder, max_megapixels=0.0006)[1]


def test_floats_are_restored_in_the_range_that_is_said(folder):
    tifffile.imwrite(folder / "in" / "a.tif", PIXELS[..., 0].astype(np.float32))
    _, (problem,) = restored(folder, channels=1)
    assert "--value_range" in problem
    assert not restored(folder, channels=1, value_range=(0.0, 65535.0))[1]
    after = tifffile.imread(folder / "out" / "a.tif")
    assert after.dtype == np.float32
    np.testing.assert_allclose(after, PIXELS[..., 0], atol=0.01)


def test_what_is_left_out_is_noted(folder, capsys):
    image = Image.fromarray(np.zeros((20, 30, 4), np.uint8)).convert("CMYK")
    image.save(folder / "in" / "a.jpg", icc_profile=b"profile")
    results, problems = restored(folder)
    assert (len(results), problems) == (1, [])
    assert "a.jpg: left out the colour profile, which is of CMYK." in capsys.readouterr().err


def test_files_that_are_passed_over_are_named(folder, capsys):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "in" / "a.png")
    (folder / "in" / "b.heic").touch()
    assert not restored(folder)[1]
    printed = " ".join(capsys.readouterr().err.split())
    assert "one file was passed over, not named like a picture:" in printed
    assert "b.heic" in printed


def test_a_skipped_file_is_named_with_its_reason(folder):
    Image.new("RGBA", (8, 8)).save(folder / "in" / "a.png")
    _, (problem,) = restored(folder)
    assert "a.png" in problem
    assert "all its pixels are transparent" in problem


def test_hidden_colours_do_not_reach_the_model(folder):
    image = Image.new("RGBA", (12, 8), (128, 128, 128, 255))
    image.paste((255, 0, 255, 0), (6, 0, 12, 8))
    image.save(folder / "in" / "a.png")
    seen = []
    model = inference.Restorer(lambda pictures: seen.append(pictures) or pictures)
    assert not restored(folder, model=model)[1]
    np.testing.assert_allclose(seen[0] * 255, 128, atol=1e-3)
    with Image.open(folder / "out" / "a.png") as made:
        np.testing.assert_array_equal(np.asarray(made)[..., 3], np.asarray(image)[..., 3])


def test_only_small_pictures_are_kept_for_the_sheet(folder):
    for name in "abcdefgh":
        Image.fromarray(np.zeros((40, 3), np.uint8)).save(folder / "in" / f"{name}.png")
    results, _ = restored(folder)
    assert [bool(result.row) for result in results] == [True] * 6 + [False] * 2
    assert {part.shape for part in results[0].row.values()} == {(6, 3, 3)}


def test_results_in_a_folder_that_is_linked_into_the_input_are_refused(folder):
    (folder / "real").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "real" / "a.png")
    (folder / "in" / "linked").symlink_to(folder / "real")
    job = restoring.Job(one_picture.How(IDENTITY), str(folder / "in"), str(folder / "real" / "out"))
    with pytest.raises(ValueError, match="must not lie within --input"):
        restoring.restore_files(job)


ODD = [
    "[b].png",
    "a$x^{2.png",
    "a\n\x1b[31mb.png",
    "a\udcff.png",
    "\u202egnp.png",
    "日本.png",
    ":x:.png",
]


def test_odd_names_are_restored_and_shown_harmlessly(folder, capsys):
    for part in ("[red]a[", "bad["):
        (folder / "in" / part).mkdir()
    names = [*ODD, "[red]a[/b].png"]
    for name in names:
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "in" / name, "PNG")
    bad = ["bad\x1b[2J.png", "bad[/red].png", "bad\n.txt"]
    for name in bad:
        (folder / "in" / name).write_bytes(b"no picture")
    results, problems = restored(folder, compare=str(folder / "in"))
    restoring.show(results, str(folder / "out"))
    assert {str(result.name) for result in results} == set(names)
    assert {str(p.relative_to(folder / "out")) for p in (folder / "out").rglob("*.png")} == {
        *names,
        "comparison_sheet.png",
    }
    assert len(problems) == 2
    printed = "".join(capsys.readouterr())
    assert all(text.isprintable() for text in (*problems, *printed.splitlines()))
    shown = (
        "a[/b].png",
        r"a\n\x1b[31mb.png",
        r"a\udcff.png",
        ":x:.png",
        "bad[/red].png",
        r"bad\n.txt",
    )
    assert all(name in printed for name in shown)


def test_an_output_that_cannot_be_written_to_costs_no_picture(folder):
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "in" / "a.png")
    job = restoring.Job(one_picture.How(IDENTITY), str(folder / "in"), "/proc/nowhere")
    with pytest.raises(ValueError, match=r"cannot be written to. Received: /proc/nowhere"):
        restoring.restore_files(job)


def test_what_a_killed_run_left_in_any_folder_is_removed(folder):
    (folder / "in" / "deep").mkdir()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / "in" / "deep" / "a.png")
    left = folder / "out" / "deep" / f"{safe_files.PREFIX}dead"
    left.mkdir(parents=True)
    (left / "part").touch()
    assert not restored(folder)[1]
    assert sorted(path.name for path in (folder / "out").rglob("*")) == ["a.png", "deep"]


@pytest.mark.parametrize("compare", [False, True])
def test_memory_does_not_grow_with_the_number_of_pictures(folder, compare):
    size = 200
    for number in range(10):
        pixels = np.full((size, size, 3), number, np.uint8)
        Image.fromarray(pixels).save(folder / "in" / f"{number}.png")
    options = {"compare": str(folder / "in")} if compare else {}
    restored(folder, **options)  # loads what it needs
    tracemalloc.start()
    try:
        results, problems = restored(folder, **options)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not problems
    rows = 6 * (2 + compare) * size * size * 3
    assert kept < rows + 2e6
    assert peak < rows + 40 * size * size * 3  # what one picture takes on its way
    assert all(part.dtype == np.uint8 for part in results[0].row.values())
