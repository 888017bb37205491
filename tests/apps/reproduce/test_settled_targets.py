"""Targets without training: budgets, exactly, and the settings."""

import csv

import pytest

from apps.reproduce import runner
from apps.reproduce.settings import ReproduceSettings
from apps.reproduce.targets import work_units

# The budgets of the paper, worked out: strategy, task, levels.
EXACT = {
    ("single_scale", "denoising", 4): 480_000,
    ("multiscale", "denoising", 4): 74_000,
    ("full_multiscale", "denoising", 4): 28_750,
    ("full_multiscale", "inpainting", 4): 126_000,
    ("single_scale", "super_resolution", 4): 30_000,
    ("multiscale", "super_resolution", 4): 4_625,
    ("full_multiscale", "super_resolution", 4): 7_875,
    ("multiscale", "denoising", 3): 68_000,
    ("full_multiscale", "denoising", 3): 19_500,
    ("multiscale", "denoising", 2): 56_000,
    ("full_multiscale", "denoising", 2): 11_000,
}


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return tmp_path_factory.mktemp("reproduced")


@pytest.fixture(scope="module")
def text(output):
    return runner.run(ReproduceSettings(("work_units", "table7_8"), output=str(output)))


def test_every_budget_is_exact(text, output):
    with (output / "work_units.csv").open(newline="") as file:
        found = {line["cell"]: line for line in csv.DictReader(file)}
    for (strategy, task, levels), wanted in EXACT.items():
        line = found[f"work_units/{strategy}-{task}-{levels}"]
        assert float(line["work_units"]) == wanted
    assert found["work_units/full_multiscale-denoising-4"]["an_iteration"] == "37.0 17.0 7.0 2.0"
    assert len(found) == len(EXACT) + 5


def test_budgets_are_what_the_paper_prints(text):
    for printed in work_units.PRINTED:
        exact = EXACT[printed.strategy, printed.task, printed.levels]
        assert abs(work_units.in_work_units(printed.paper) - exact) <= 50
        assert f"| {exact:,} | {printed.paper} |" in text


def test_evaluations_of_table_1(text, output):
    with (output / "work_units.csv").open(newline="") as file:
        found = {line["cell"]: line for line in csv.DictReader(file)}
    counted = [float(found[f"work_units/loss-{levels}"]["evaluations"]) for levels in range(1, 6)]
    assert counted == [512, 528, 560, 624, 752]
    assert work_units.batches_of_table_1(5) == (16, 32, 64, 128, 272)
    assert "| 5 | 16, 32, 64, 128, 272 | 752 | 752 | 38.56 | 13.28 |" in text


def test_settings_are_those_of_the_preset(text):
    assert "| learning_rate | 0.0005 | 0.0005 | 0.0005 | 0.001 |" in text
    assert "| restriction | stride | stride | stride | average |" in text
    assert "| iterations | 250, 500, 1000, 2000 | 250, 500, 1000, 2000 | 2000, 2000" in text
    for network, count in (
        ("paper_resnet", "597,699"),
        ("paper_unet", "2,537,187"),
        ("paper_sr_resnet", "1,622,503"),
        ("paper_sr_convnet", "69,603"),
    ):
        assert f"| {network} | " in text
        assert count in text
