"""`apps.diagnose` at a tiny size."""

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import keras_ms
from apps import diagnose
from apps.experiment import building

TINY = {"batch_sizes": (2, 4), "image_size": 16, "width": 4, "samples": 8}


def test_both_coarsenings_are_measured_and_shown(tmp_path, capsys):
    settings = diagnose.DiagnoseSettings(steps=2, output=str(tmp_path), **TINY)
    reports = diagnose.run(settings)
    assert list(reports) == ["task-consistent", "degrade first"]
    assert keras_ms.LevelReport.load(tmp_path / "task.json") == reports["task-consistent"]
    assert keras_ms.LevelReport.load(tmp_path / "degrade_first.json") == reports["degrade first"]
    height, width, _ = plt.imread(tmp_path / "levels.png").shape
    assert width > 2 * height  # three panels
    printed = capsys.readouterr().out
    for report in reports.values():
        assert report.advice in printed
    usual = reports["task-consistent"]
    assert {problem.coarsening for problem in usual.coarse.problems} == {"task", "crop"}
    assert f"python -m apps.train {usual.commands[0].flags}\nor in Python:\n" in printed
    assert reports["degrade first"].coarse is None


def test_what_is_measured_was_trained_by_plain_steps_as_fit_does(tmp_path):
    settings = diagnose.DiagnoseSettings(output=str(tmp_path), **TINY)
    images = building.images_in_memory(settings, "train")
    found = diagnose.trained(settings, images, 3)
    made = building.make_model(settings, settings.learning_rate)
    plain = keras.Model(made.input, made.output)
    building.compile_as_asked(plain, settings, settings.learning_rate)
    for batch in building.make_dataset(settings, images, levels=(1,)).stage(0).take(3):
        plain.train_on_batch(*batch.fine[0])
    assert found.optimizer.iterations == 3
    for weight, expected in zip(found.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)


def test_pairs_of_ones_own_are_measured_once(tmp_path, capsys):
    rng = np.random.default_rng(0)
    for part in ("x", "y"):
        (tmp_path / part).mkdir()
        for number in range(5):
            pixels = rng.integers(0, 255, (24, 24, 3)).astype("uint8")
            Image.fromarray(pixels).save(tmp_path / part / f"{number}.png")
    folders = {"data_dir": str(tmp_path / "x"), "target_dir": str(tmp_path / "y")}
    settings = diagnose.DiagnoseSettings(steps=0, output=str(tmp_path), **folders, **TINY)
    ((name, report),) = diagnose.run(settings).items()
    assert (name, report.of_pairs) == ("task-consistent", True)
    assert "    pairs,\n" in capsys.readouterr().out
