"""`apps.diagnose` and `apps.reproduce` at a tiny size."""

import dataclasses
import subprocess
import sys

import matplotlib.pyplot as plt
import pytest

import keras_ms
from apps import diagnose, reproduce
from apps.experiment import flags

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


def test_a_table_over_seeds_that_is_not_measured_twice(tmp_path, capsys):
    settings = reproduce.ReproduceSettings(
        tasks=("denoising",),
        networks=("espcn",),
        sizes=(32,),
        seeds=(0, 1),
        steps=2,
        train_batch=2,
        samples=8,
        image_size=32,
        output=str(tmp_path),
    )
    table = reproduce.run(settings)
    assert len(table.splitlines()) == 2 + len(reproduce.COARSENINGS)
    assert (tmp_path / "levels.md").read_text() == table
    assert "denoising, espcn, 32 px" in table
    assert "±" in table
    reports = sorted(tmp_path.glob("denoising*.json"))
    assert len(reports) == 2 * len(reproduce.COARSENINGS)
    before = [path.stat().st_mtime_ns for path in reports]
    assert reproduce.run(settings) == table
    assert [path.stat().st_mtime_ns for path in reports] == before
    with pytest.raises(ValueError, match=r"where steps differ\. Take another folder"):
        reproduce.run(dataclasses.replace(settings, steps=3))


@pytest.mark.parametrize("size", [(16, 1), (32, 2), (64, 3), (128, 4), (256, 4)])
def test_hierarchies_leave_16_pixels(size):
    side, levels = size
    assert len(reproduce.hierarchy(side)) == levels
    assert side >> (levels - 1) >= 16


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        (diagnose.DiagnoseSettings, {"steps": -1}, "--steps"),
        (diagnose.DiagnoseSettings, {"samples": 0}, "--samples"),
        (diagnose.DiagnoseSettings, {"seconds": 0.0}, "--seconds"),
        (reproduce.ReproduceSettings, {"tasks": ("sleeping",)}, "sleeping"),
        (reproduce.ReproduceSettings, {"networks": ("vgg",)}, "vgg"),
        (reproduce.ReproduceSettings, {"sizes": (50,)}, "--sizes"),
        (reproduce.ReproduceSettings, {"seeds": ()}, "--seeds"),
    ],
)
def test_senseless_settings_are_refused(settings, given, message):
    with pytest.raises(ValueError, match=message):
        flags.make(settings, "quick", **given)


@pytest.mark.parametrize(
    ("app", "flag"), [("diagnose", "--samples=0"), ("reproduce", "--sizes=50")]
)
def test_a_senseless_command_ends_in_one_line(app, flag):
    got = subprocess.run(
        [sys.executable, "-m", f"apps.{app}", flag], capture_output=True, text=True
    )
    assert got.returncode == 1
    assert got.stderr.strip().splitlines()[-1].startswith(f"apps.{app}: ")
