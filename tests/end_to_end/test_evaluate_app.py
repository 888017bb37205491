"""Models judged beside classical methods, from picture files to tables."""

import json

import numpy as np
import pytest
from PIL import Image

import keras_ms
from apps import evaluate
from apps.experiment import classics, evaluating
from apps.experiment.task_of import make_task


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    cat = keras_ms.data.photos("validation")[0]
    for name, (top, left) in {"a": (60, 100), "b": (120, 180)}.items():
        Image.fromarray(cat[top : top + 50, left : left + 62]).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(autouse=True)
def without_slow_rivals(monkeypatch):
    monkeypatch.setitem(classics.METHODS, "denoising", classics.METHODS["denoising"][:1])


def settings(folder, **options):
    given = {"input": str(folder), "models": ("denoising",), "noise": (15.0, 40.0)}
    output = str(folder.parent / "out")
    return evaluate.EvaluateSettings(**{**given, "output": output, **options})


def test_models_and_classical_methods_are_judged_on_whole_pictures(pictures, capsys):
    text = evaluate.run(settings(pictures))
    assert "broken.png" in capsys.readouterr().err
    assert "noise 15**: means over 2 pictures" in text
    content = json.loads((pictures.parent / "out" / "evaluation.json").read_text())
    ways = {"degraded", "denoising", *(method.name for method in classics.of("denoising"))}
    psnr = {}
    for level in ("noise 15", "noise 40"):
        assert content["found"][level].keys() == {"a.png", "b.png"}
        assert all(set(of_photo) == ways for of_photo in content["found"][level].values())
        psnr[level] = {way: content["found"][level]["a.png"][way][0] for way in ways}
        assert psnr[level]["denoising"] > psnr[level]["degraded"] + 2.0
    wanted = -20.0 * np.log10(40.0 / 255.0)
    assert psnr["noise 40"]["degraded"] == pytest.approx(wanted, abs=0.7)  # some is clipped
    assert (pictures.parent / "out" / "evaluation.png").is_file()


def test_luminance_by_hand():
    clean = np.random.default_rng(0).random((1, 12, 12, 3))
    greener = clean + np.array((0.0, 0.1, 0.0))
    psnr, luminance, ssim, colour = evaluating._figures(clean, greener)
    assert psnr == pytest.approx(-10.0 * np.log10(0.01 / 3.0), abs=1e-3)
    # Luminance has 128.553 of 255 of green (ITU-R BT.601).
    assert luminance == pytest.approx(-20.0 * np.log10(0.1 * 128.553 / 255.0), abs=1e-3)
    assert colour == pytest.approx(25.5, abs=1e-2)
    assert ssim < 1.0


def test_results_of_fewer_figures_are_made_again(pictures):
    file = pictures.parent / "out" / "evaluation.json"
    options = {"pictures": 1, "noise": (15.0,), "classical": False}
    first = evaluate.run(settings(pictures, **options))
    content = json.loads(file.read_text())
    content["found"]["noise 15"]["a.png"]["denoising"] = [1.0, 0.5, 1.0]
    file.write_text(json.dumps(content))
    assert evaluate.run(settings(pictures, **options)) == first


def test_what_is_on_file_is_not_made_again(pictures, monkeypatch):
    first = evaluate.run(settings(pictures, pictures=1, noise=(15.0,)))
    evaluate.run(settings(pictures, noise=(15.0,)))
    monkeypatch.setattr(evaluating, "SHEET_ROWS", 0)
    monkeypatch.setattr(evaluating.plots, "draw_sheet", lambda *_: None)
    monkeypatch.setattr(evaluating.quality, "make_pictures", None)
    assert evaluate.run(settings(pictures, pictures=1, noise=(15.0,))) == first
    with pytest.raises(ValueError, match=r"results with other settings.*seed \(was 0, is 3\)"):
        evaluate.run(settings(pictures, noise=(15.0,), seed=3))


def test_strengths_are_chosen_on_other_pictures(pictures, monkeypatch):
    methods = (classics.Classic("darker", lambda picture, told, s: s * picture, (0.5, 1.0, 0.1)),)
    monkeypatch.setitem(classics.METHODS, "denoising", methods)
    options = {"models": (), "noise": (5.0,), "tune_input": str(pictures), "tune_pictures": 1}
    assert "darker, strength 1 " in evaluate.run(settings(pictures, **options))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"noise": (-1.0,)}, "--noise=-1"),
        ({"models": (), "classical": False}, "nothing to judge"),
        ({"noise": (3.0,), "t_low": 0.5}, "Received: both"),
        ({"side": 0}, "--side=0"),
        ({"models": ("nothing_like_it",)}, "nothing_like_it"),
    ],
)
def test_what_makes_no_sense_is_refused(pictures, options, match):
    with pytest.raises(ValueError, match=match):
        evaluate.run(settings(pictures, **options))


@pytest.mark.parametrize("task", ["denoising", "deblurring", "inpainting", "super_resolution"])
def test_without_noise_given_every_task_has_noise_that_it_can_be_judged_on(task):
    made = evaluating._at(evaluate.EvaluateSettings(task=task), None)
    drawn = make_task(made).t_range
    assert 0.0 <= drawn[0] <= drawn[1]
    if task == "denoising":
        assert drawn == (0.7, 1.0)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"t_low": 0.2}, (0.2, 1.0)),
        ({"t_high": 0.5}, (0.5, 0.5)),
        ({"t_high": 0.9}, (0.7, 0.9)),
        ({"keep_contrast": False}, (0.0, 1.0)),
    ],
)
def test_ends_of_the_noise_that_are_given_are_kept(options, wanted):
    made = evaluating._at(evaluate.EvaluateSettings(**options), None)
    assert make_task(made).t_range == wanted


def test_the_default_judges_and_what_fails_leaves_no_folder(pictures):
    with pytest.raises(ValueError, match="nothing_like_it"):
        evaluate.run(settings(pictures, models=("nothing_like_it",)))
    assert not (pictures.parent / "out").exists()
    assert "as drawn" in evaluate.run(settings(pictures, pictures=1, noise=()))
    assert (pictures.parent / "out" / "evaluation.md").is_file()


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="no picture that can be read"):
        evaluate.run(settings(tmp_path))
