"""`python -m apps.train`, run as a user runs it, at a tiny size."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from apps import train
from apps.settings import STRATEGIES, Settings

TINY = {
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (2, 4),
    "image_size": 16,
    "width": 4,
    "validation_samples": 4,
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains_and_leaves_its_results(strategy, tmp_path, capsys):
    settings = Settings(strategy=strategy, output=str(tmp_path), **TINY)
    (outcome,) = train.run(settings)
    assert {p.name for p in tmp_path.iterdir()} == {
        "model",
        "restored.png",
        "loss.png",
        "curves.json",
    }
    curve = json.loads((tmp_path / "curves.json").read_text())["curves"][strategy]
    assert curve[-1]["loss"] == pytest.approx(outcome.curve.final.loss)
    # Single: 4 steps of 2. Multiscale: 4 of 2 (1 + 1/4) + 4/4. Full: 2 such and 4 of 4/4.
    wanted = {"single_scale": 8.0, "multiscale": 14.0, "full_multiscale": 11.0, "progressive": 8.0}
    assert curve[-1]["work_units"] == wanted[strategy]
    out = capsys.readouterr().out
    assert "is restored to" in out
    assert "Next: " in out


def test_saved_model_takes_any_size_and_equals_the_network(tmp_path):
    settings = Settings(output=str(tmp_path), **TINY)
    (outcome,) = train.run(settings)
    loaded = tf.saved_model.load(tmp_path / "model")
    for height, width in ((16, 16), (5, 31), (40, 23)):
        picture = np.random.default_rng(height).random((2, height, width, 3)).astype("float32")
        wanted = outcome.model((picture - 0.5) / 0.5) * 0.5 + 0.5
        got = loaded.serve(picture)
        np.testing.assert_allclose(got, np.clip(wanted, 0, 1), atol=1e-5)


def test_conditional_model_exports_with_its_noise_level(tmp_path):
    train.run(Settings(output=str(tmp_path), conditional=True, **TINY))
    loaded = tf.saved_model.load(tmp_path / "model")
    picture = np.ones((1, 9, 9, 3), "float32")
    made = loaded.serve({"image": picture, "noise_level": np.ones((1, 1), "float32")})
    assert made.shape == (1, 9, 9, 3)


def command(*arguments, cwd=None):
    got = subprocess.run(
        [sys.executable, "-m", "apps.train", *arguments], capture_output=True, text=True
    )
    return got.returncode, got.stdout, got.stderr


def test_command_line_with_a_seconds_budget_and_a_rival(tmp_path):
    code, out, err = command(
        "--seconds=4",
        "--compare=single_scale",
        "--batch_sizes=2,4",
        "--iterations=1,2",
        "--image_size=32",
        "--width=4",
        "--validation_samples=4",
        f"--output={tmp_path}",
    )
    assert code == 0, err
    assert "full-multiscale" in out
    assert "single-scale" in out
    curves = json.loads((tmp_path / "curves.json").read_text())["curves"]
    assert set(curves) == {"full_multiscale", "single_scale"}
    for curve in curves.values():
        assert curve[-1]["seconds"] < 6


def test_a_folder_of_ones_own(tmp_path):
    from skimage import data, io

    for index in range(3):
        io.imsave(tmp_path / f"{index}.png", data.astronaut()[index::3, index::3])
    settings = Settings(
        dataset="folder", data_dir=str(tmp_path), output=str(tmp_path / "out"), **TINY
    )
    train.run(settings)
    assert (tmp_path / "out" / "model").is_dir()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "folder", "data_dir": "/nowhere"}, "There is no such folder"),
        ({"image_size": 34, "batch_sizes": (2, 4, 8), "iterations": (1, 1, 1)}, "divisible by"),
        ({"image_size": 24, "batch_sizes": (2, 4, 8), "iterations": (1, 1, 1)}, "side of 6 px"),
        ({"image_size": 1024}, "smaller than the crop"),
        ({"work_units": 1.0}, "does not pay for one step"),
        ({"optimizer": "adamant"}, "adamant"),
        ({"t_low": 0.9, "t_high": 0.1}, "t_range="),
    ],
)
def test_senseless_requests_are_refused_before_training(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train.run(Settings(output=str(tmp_path), **{**TINY, **options}))
    assert not list(tmp_path.iterdir())


def test_a_senseless_command_ends_in_one_line():
    code, out, err = command("--dataset=folder")
    assert (code, out) == (1, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("apps.train: --data_dir goes with --dataset=folder")
    assert "Traceback" not in err
