"""`python -m apps.train`, run as a user runs it, at a tiny size."""

import json
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from apps import train
from apps.experiment import baselines, building
from apps.experiment.settings import STRATEGIES, Settings

TINY = {
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (2, 4),
    "image_size": 16,
    "width": 4,
    "dtype_policy": "float32",
    "validation_samples": 4,
}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains_and_leaves_its_results(strategy, tmp_path, capsys):
    settings = Settings(strategy=strategy, output=str(tmp_path), **TINY)
    (outcome,) = train.run(settings)
    left = {"model", "restored.png", "loss.png", "curves.json"}
    journal = {"decisions.json"} if strategy == "adaptive" else set()
    assert {p.name for p in tmp_path.iterdir()} == left | journal
    curve = json.loads((tmp_path / "curves.json").read_text())["curves"][strategy]
    assert curve[-1]["loss"] == pytest.approx(outcome.curve.final.loss)
    # Single: 4 steps of 2. Multiscale: 4 of 2 (1 + 1/4) + 4/4. Full: 2 such and 4 of 4/4.
    # Adaptive: as much as full.
    wanted = {"single_scale": 8.0, "multiscale": 14.0, "full_multiscale": 11.0, "progressive": 8.0}
    wanted["adaptive"] = wanted["full_multiscale"]
    # 10 steps of 2 at 8 px, then one each at 12 and 16 px.
    wanted["progressive_resizing"] = 10 * 0.5 + 1.125 + 2.0
    assert curve[-1]["work_units"] == wanted[strategy]
    out = capsys.readouterr().out
    assert "restored by" in out
    assert "Next: " in out


@pytest.mark.smoke
def test_conditional_model_exports_with_its_noise_level(tmp_path):
    train.run(Settings(output=str(tmp_path), conditional=True, **TINY))
    loaded = tf.saved_model.load(tmp_path / "model")
    picture = np.ones((1, 9, 9, 3), "float32")
    made = loaded(picture, np.ones((1, 1), "float32"))
    assert made.shape == (1, 9, 9, 3)


def settings_of(task, network, strategy):
    width = None if network == "espcn" else 2
    size = 32 if network == "unet5" else 16
    options = {**TINY, "width": width, "iterations": (1, 2), "image_size": size}
    return Settings(task=task, network=network, strategy=strategy, **options)


@pytest.fixture(scope="module")
def photo():
    return [keras_ms.data.photos("validation")[0][:64, :64]]


# Every task by every strategy, and two more networks, run as the app runs them ...
RUNS = [(task, "resnet", strategy) for task in keras_ms.tasks.names() for strategy in STRATEGIES]
RUNS += [("deblurring", name, "full_multiscale") for name in ("espcn", "unet")]


@pytest.mark.parametrize(("task", "network", "strategy"), RUNS)
def test_every_task_trains_in_the_app(task, network, strategy, photo):
    settings = settings_of(task, network, strategy)
    validation = building.make_validation(settings, photo)
    outcome = building.train(settings, strategy, photo, validation)
    assert np.isfinite(outcome.curve.final.loss)
    assert outcome.curve.final.work_units > 0.0


# ... and every combination takes a step, eagerly: tracing each would take many minutes.
# (The steps of full_multiscale and adaptive are those of multiscale, of progressive_resizing those
# of single_scale.)
@pytest.mark.parametrize("strategy", ["single_scale", "multiscale", "progressive"])
@pytest.mark.parametrize("network", keras_ms.networks.names())
@pytest.mark.parametrize("task", keras_ms.tasks.names())
def test_every_task_network_and_strategy_take_a_step(task, network, strategy, photo):
    settings = settings_of(task, network, strategy)
    dataset = building.make_dataset(settings, photo, **building.data_options(settings, strategy))
    model = building.make_model(settings, 1e-3)
    model.run_eagerly = True
    before = [weight.numpy() for weight in model.trainable_variables]
    batch = next(iter(dataset.stage()))
    model.optimizer.build(model.trainable_variables)
    logs = model.train_step(batch)
    assert np.isfinite(float(logs["loss"]))
    after = [weight.numpy() for weight in model.trainable_variables]
    assert any(np.any(a != b) for a, b in zip(after, before, strict=True))


@pytest.mark.parametrize("task", keras_ms.tasks.names())
def test_every_task_is_shown_beside_its_classical_baseline(task, tmp_path, capsys):
    settings = Settings(task=task, output=str(tmp_path), baseline=True, **TINY)
    train.run(settings)
    reached = json.loads((tmp_path / "curves.json").read_text())["quality"]
    assert list(reached) == ["degraded", baselines.NAMES[task], "full_multiscale"]
    assert all(np.isfinite(list(values.values())).all() for values in reached.values())
    assert baselines.NAMES[task] in capsys.readouterr().out
    height, width, _ = plt.imread(tmp_path / "restored.png").shape
    assert width > 1.5 * height  # two rows of four pictures


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
        ({"mean": (0.5, 0.5)}, "Received: mean="),
        ({"std": (0.0,)}, "std="),
        ({"task": "deblurring", "sigma": -1.0}, "sigma=-1"),
    ],
)
def test_senseless_requests_are_refused_before_training(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        train.run(Settings(output=str(tmp_path), **{**TINY, **options}))
    assert not list(tmp_path.iterdir())


def test_an_output_that_is_no_folder_is_refused_before_training(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="--output must be a folder"):
        train.run(Settings(output=str(tmp_path / "file"), **TINY))


def test_help_lists_the_options_with_their_presets():
    _, out, _ = command("--helpshort")
    assert "--image_size" in out
    assert "16,32,64,128, 1,2,4,8 for super_resolution" in " ".join(out.split())


def test_a_senseless_command_ends_in_one_line():
    code, out, err = command("--dataset=folder")
    assert (code, out) == (1, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("apps.train: --data_dir goes with --dataset=folder")
    assert "Traceback" not in err
