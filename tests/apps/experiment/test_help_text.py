import subprocess
import sys

import pytest

from apps.experiment import help_text
from apps.experiment.settings import Settings
from apps.segmentation.settings import SegmentationSettings

APPS = ["train", "diagnose", "reproduce", "time_to_quality", "segmentation", "benchmark"]


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["--help"], True),
        (["--seed=1", "-h"], True),
        (["--helpshort"], True),
        (["--helpfull"], True),
        (["-?"], True),
        (["help"], False),
        (["--", "--help"], False),
        (["--output=--help"], False),
        ([], False),
    ],
)
def test_who_asks_for_help(arguments, asked):
    assert help_text.is_asked_for(arguments) is asked


def test_options_stand_under_their_theme():
    text = help_text.of_app("Trains.", Settings)
    assert text.startswith("Trains.\n\nPreset:\n  --preset=NAME\n")
    levels = text.split("\nLevels:\n")[1].split("\n\n")[0]
    assert "--batch_sizes=INTEGER,..." in levels
    assert "--[no]auto_levels" in levels
    assert "--width" not in levels
    assert "16,32,64,128, 1,2,4,8 for super_resolution" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= help_text.WIDTH


# Loads what the app's module loads, and says what of it is heavy.
CODE = """
import runpy, sys
sys.argv = ["app", "--help", *{more}]
runpy.run_module({app!r}, run_name="__main__", alter_sys=True)
heavy = {{"keras", "tensorflow", "keras_ms", "matplotlib", "skimage"}} & set(sys.modules)
print("heavy:", sorted(heavy))
"""


@pytest.mark.parametrize("app", [*APPS, "time_to_quality --frontier"])
def test_help_loads_nothing_heavy_and_ends_well(app):
    app, *more = app.split()
    code = CODE.format(app=f"apps.{app}", more=more)
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr
    assert got.stdout.endswith("heavy: []\n")
    assert "\nResults:\n" in got.stdout
    assert ("--scale" if app == "reproduce" else "--image_size") in got.stdout
    assert ("--problems" in got.stdout) == bool(more)
    assert "(default: (" not in got.stdout
    assert "default: )" not in got.stdout
    assert max(map(len, got.stdout.splitlines())) <= help_text.WIDTH


def test_defaults_read_as_they_are_typed():
    text = help_text.of_app("", SegmentationSettings)
    assert "(default: 2,4,8)" in text
    assert "default: (" not in text
    assert "default: )" not in text
    assert "--dataset" not in text
