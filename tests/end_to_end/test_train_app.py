"""`python -m apps.train`, run as a user runs it, at a tiny size."""

import itertools
import json
import subprocess
import sys
import types

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from apps import strategies, train
from apps.experiment import building, classics, model_files, output_folder, plots, quality
from apps.experiment.settings import Settings

TINY = {
    "batch_sizes": (2, 4),
    "single_scale_batch": 2,
    "iterations": (2, 4),
    "image_size": 16,
    "width": 4,
    "dtype_policy": "float32",
    "validation_samples": 4,
}


# Single: 4 steps of 2. Multiscale: 4 of 2 (1 + 1/4) + 4/4. Full: 2 such and 4 of 4/4.
# Adaptive: as much as full. Resizing: 10 steps of 2 at 8 px, then one each at 12 and 16 px.
WORK_UNITS = {
    "single_scale": 8.0,
    "multiscale": 14.0,
    "full_multiscale": 11.0,
    "progressive": 8.0,
    "adaptive": 11.0,
    "progressive_resizing": 10 * 0.5 + 1.125 + 2.0,
}
# Every strategy once, every task at least once.
PAIRED = list(zip(strategies.names(), itertools.cycle(classics.METHODS)))


@pytest.mark.parametrize(("strategy", "task"), PAIRED)
def test_every_strategy_and_task_leave_their_results(strategy, task, tmp_path, capsys):
    options = {**TINY, "task": task, "baseline": True, "output": str(tmp_path)}
    (outcome,) = train.run(Settings(strategy=strategy, **options))
    left = {"model", "restored.png", "loss.png", "curves.json"}
    journal = {"decisions.json"} if strategy == "adaptive" else set()
    found = {p.name for p in tmp_path.iterdir()}
    assert found == left | journal if strategy in WORK_UNITS else found >= left
    content = json.loads((tmp_path / "curves.json").read_text())
    curve, reached = content["curves"][strategy], content["quality"]
    assert curve[-1]["loss"] == pytest.approx(outcome.curve.final.loss)
    losses = [point["loss"] for point in curve]
    ends = (content["last"][strategy]["loss"], content["best"][strategy]["loss"])
    assert ends == (losses[-1], min(losses))
    assert curve[-1]["work_units"] == WORK_UNITS.get(strategy, curve[-1]["work_units"])
    names = [method.name for method in classics.of(task)]
    assert list(reached) == ["degraded", *names, strategy]
    assert all(np.isfinite(list(values.values())).all() for values in reached.values())
    height, width, _ = plt.imread(tmp_path / "restored.png").shape
    assert width > 0.7 * len(names) * height  # at most two rows of `3 + len(names)` pictures
    out = capsys.readouterr().out
    assert all(name in out for name in names)
    assert "Next: " in out
    assert "model(pictures)\n" in out
    assert "noise_level" not in out


def failing(*arguments, **options):
    raise RuntimeError("after training")


@pytest.mark.parametrize("step", [(quality, "table_of"), (quality, "restored_by"), (plots, "save")])
def test_nothing_that_fails_after_training_loses_the_model(step, tmp_path, monkeypatch):
    monkeypatch.setattr(*step, failing)
    with pytest.raises(RuntimeError, match="after training"):
        train.run(Settings(output=str(tmp_path), strategy="single_scale", **TINY))
    loaded = tf.saved_model.load(tmp_path / "model")
    assert loaded(np.ones((1, 9, 9, 3), "float32")).shape == (1, 9, 9, 3)
    assert json.loads((tmp_path / "curves.json").read_text())["curves"]["single_scale"]


def test_a_rival_that_fails_does_not_lose_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(type(strategies.get("multiscale")), "train", failing)
    settings = Settings(
        output=str(tmp_path), strategy="single_scale", compare=("multiscale",), **TINY
    )
    with pytest.raises(RuntimeError, match="after training"):
        train.run(settings)
    assert (tmp_path / "model" / "saved_model.pb").exists()


def test_the_sheet_shows_every_strategy(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "save_sheet", lambda rows, path: shown.extend(rows))
    train.run(
        Settings(output=str(tmp_path), strategy="single_scale", compare=("multiscale",), **TINY)
    )
    assert shown
    for row in shown:
        assert list(row) == ["clean", "degraded", "single-scale", "multiscale"]
        assert not np.array_equal(row["single-scale"], row["multiscale"])


def test_a_model_that_cannot_be_exported_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(keras_ms.inference, "export", failing)
    with pytest.raises(ValueError, match=r"after training.*not lost: it is in .*model\.keras"):
        train.run(Settings(output=str(tmp_path), strategy="single_scale", **TINY))
    assert keras.saving.load_model(tmp_path / "model.keras").name == "resnet"
    assert json.loads((tmp_path / "curves.json").read_text())["curves"]["single_scale"]


def test_a_model_that_cannot_be_kept_either_says_so(tmp_path):
    (tmp_path / "model.keras").write_text("before")
    said = model_files.kept(types.SimpleNamespace(save=failing), tmp_path / "model.keras")
    assert said.startswith("Nor can it be saved as ")
    assert "after training" in said
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_format_that_cannot_be_written_does_not_lose_the_model(tmp_path, monkeypatch):
    export = keras_ms.inference.export

    def only_saved_models(model, path, mean, std, formats=("saved_model",)):
        return failing() if "onnx" in formats else export(model, path, mean, std, formats)

    monkeypatch.setattr(keras_ms.inference, "export", only_saved_models)
    with pytest.raises(RuntimeError, match="after training"):
        train.run(
            Settings(output=str(tmp_path), strategy="single_scale", portable=("onnx",), **TINY)
        )
    assert (tmp_path / "model" / "saved_model.pb").exists()


@pytest.mark.parametrize("step", ["pictures_of", "make_pictures"])
def test_pictures_that_cannot_be_degraded_cost_no_training(step, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(quality, step, failing)
    with pytest.raises(RuntimeError):
        train.run(Settings(output=str(tmp_path), strategy="single_scale", **TINY))
    assert "single_scale" not in capsys.readouterr().out


def test_a_full_disk_costs_no_more_than_what_does_not_fit(tmp_path, monkeypatch):
    def full(figure, path):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(plots, "save", full)
    with pytest.raises(
        ValueError, match=r"No space left.*loss\.png.*restored\.png.*All else is in"
    ):
        train.run(Settings(output=str(tmp_path), strategy="single_scale", **TINY))
    assert {path.name for path in tmp_path.iterdir()} == {"model", "curves.json", "checkpoints"}
    assert json.loads((tmp_path / "curves.json").read_text())["quality"]["single_scale"]


def test_what_lies_where_the_model_goes_is_seen_before_training(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").touch()
    with pytest.raises(ValueError, match=r"Received: .*/model\. Use another folder"):
        train.run(Settings(output=str(tmp_path), **TINY))


def test_another_run_in_the_same_folder_is_refused_before_training(tmp_path):
    with (
        output_folder.held(tmp_path),
        pytest.raises(ValueError, match="Another run writes to --output"),
    ):
        train.run(Settings(output=str(tmp_path), **TINY))


@pytest.mark.smoke
def test_conditional_model_exports_with_its_noise_level(tmp_path, capsys):
    options = {**TINY, "strategy": "single_scale", "conditional": True, "measure_ssim": True}
    train.run(Settings(output=str(tmp_path), **options))
    out = capsys.readouterr().out
    assert "model(pictures, t)" in out
    assert "share of the clean image" in out
    assert "--noise_level=T" in out
    assert "authors' SSIM" in out
    content = json.loads((tmp_path / "curves.json").read_text())
    measured = {"loss", "ssim", "authors_ssim"}
    assert set(content["best"]["single_scale"]) == measured
    assert all(measured <= set(point) for point in content["curves"]["single_scale"])
    loaded = tf.saved_model.load(tmp_path / "model")
    picture = np.ones((1, 9, 9, 3), "float32")
    made = loaded(picture, np.ones((1, 1), "float32"))
    assert made.shape == (1, 9, 9, 3)


# Tasks differ to a network in the scale of what they want. Eagerly: tracing takes minutes.
@pytest.mark.parametrize("network", keras_ms.networks.names())
@pytest.mark.parametrize("task", ["denoising", "super_resolution"])
def test_every_network_takes_a_step(task, network):
    photo = [keras_ms.data.photos("validation")[0][:64, :64]]
    with_width = "width" in keras_ms.networks.options(network)
    options = {**TINY, "width": 2 if with_width else None}
    options["image_size"] = 32 if network == "unet5" else 16
    settings = Settings(task=task, network=network, **options)
    dataset = building.make_dataset(settings, photo)
    model = building.make_model(settings, 1e-3)
    model.run_eagerly = True
    before = [weight.numpy() for weight in model.trainable_variables]
    model.optimizer.build(model.trainable_variables)
    logs = model.train_step(next(iter(dataset.stage())))
    assert np.isfinite(float(logs["loss"]))
    after = [weight.numpy() for weight in model.trainable_variables]
    assert any(np.any(a != b) for a, b in zip(after, before, strict=True))


def command(*arguments):
    got = subprocess.run(
        [sys.executable, "-m", "apps.train", *arguments], capture_output=True, text=True
    )
    return got.returncode, got.stdout, got.stderr


def test_command_line_with_a_budget_and_a_rival(tmp_path):
    code, out, err = command(
        "--work_units=40",
        "--strategy=full_multiscale",
        "--compare=single_scale",
        "--batch_sizes=2,4",
        "--iterations=1,2",
        "--control_weights=0.5",
        "--image_size=16",
        "--width=4",
        "--dtype_policy=float32",
        "--validation_samples=4",
        f"--output={tmp_path}",
    )
    assert code == 0, err
    assert "full-multiscale" in out
    assert "single-scale" in out
    content = json.loads((tmp_path / "curves.json").read_text())
    assert content["settings"]["control_weights"] == [0.5]
    curves = content["curves"]
    assert set(curves) == {"full_multiscale", "single_scale"}
    for curve in curves.values():
        assert 30.0 < curve[-1]["work_units"] <= 40.0


def test_a_folder_of_ones_own(tmp_path):
    from skimage import data, io

    for index in range(3):
        io.imsave(tmp_path / f"{index}.png", data.astronaut()[index::3, index::3])
    options = {**TINY, "strategy": "single_scale", "output": str(tmp_path / "out")}
    settings = Settings(dataset="folder", data_dir=str(tmp_path), **options)
    train.run(settings)
    assert (tmp_path / "out" / "model").is_dir()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dataset": "folder", "data_dir": "/nowhere"}, "There is no such folder"),
        ({"image_size": 34, "batch_sizes": (2, 4, 8), "iterations": (1, 1, 1)}, "divisible by"),
        ({"image_size": 24, "batch_sizes": (2, 4, 8), "iterations": (1, 1, 1)}, "side of 6 px"),
        ({"image_size": 1024}, r"smaller than image_size \(1024, 1024\)"),
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


def test_a_senseless_command_ends_in_one_line():
    code, out, err = command("--dataset=folder")
    assert (code, out) == (1, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith("apps.train: --dataset=folder needs --data_dir")
    assert "Traceback" not in err


def test_a_folder_without_its_data_set_is_told_what_to_add(tmp_path):
    with pytest.raises(ValueError, match="Add --dataset=folder, or --target_dir"):
        train.run(Settings(data_dir=str(tmp_path), **TINY))
