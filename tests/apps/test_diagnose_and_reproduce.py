"""`apps.diagnose` and `apps.reproduce` at a tiny size."""

import dataclasses
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

import keras_ms
from apps import diagnose, reproduce

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


def test_a_table_over_seeds_that_is_not_measured_twice(tmp_path):
    settings = reproduce.ReproduceSettings(
        tasks=("denoising",),
        networks=("espcn",),
        sizes=(32,),
        seeds=(0,),
        steps=2,
        train_batch=2,
        samples=8,
        image_size=32,
        output=str(tmp_path),
    )
    reproduce.run(settings)
    reports = sorted(tmp_path.glob("denoising*-0.json"))
    assert len(reports) == len(reproduce.COARSENINGS)
    for report in reports:  # as if a second seed had given the same
        shutil.copy(report, str(report).replace("-0.json", "-1.json"))
    before = [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("denoising*.json"))]
    table = reproduce.run(dataclasses.replace(settings, seeds=(0, 1)))
    after = [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("denoising*.json"))]
    assert before == after
    assert (tmp_path / "levels.md").read_text() == table
    assert len(table.splitlines()) == 2 + len(reproduce.COARSENINGS)
    assert table.count("| denoising, espcn, 32 px |") == len(reproduce.COARSENINGS)
    assert "± 0.00" in table
    with pytest.raises(ValueError, match=r"where steps differ\. Take another folder"):
        reproduce.run(dataclasses.replace(settings, steps=3))


@pytest.mark.parametrize("size", [(16, 1), (32, 2), (64, 3), (128, 4), (256, 4)])
def test_hierarchies_leave_16_pixels(size):
    side, levels = size
    assert len(reproduce.hierarchy(side)) == levels
    assert side >> (levels - 1) >= 16
