"""`apps.time_to_quality`: who is compared how, on curves that are given and on tiny real ones."""

import math

import keras
import pytest
from apps.experiment.contestants import CONTESTANTS
from apps.experiment.race import Race
from apps.experiment.race_plot import Result, save_plot
from apps.experiment.race_settings import RaceSettings
from apps.experiment.race_table import as_table

from apps import time_to_quality
from apps.experiment import flags, precision, race
from apps.experiment.recording import Point, crossing

TINY = {
    "tasks": ("denoising",),
    "networks": ("espcn",),
    "image_size": 64,
    "batch_sizes": (1, 2, 3, 4),
    "limit": 4,
    "validation_samples": 2,
    "validations": 2,
    "reference_seconds": 2.0,
    "trial_seconds": 1.0,
    "budgets": (4.0,),
}


def test_a_crossing_is_where_a_curve_comes_to_stay():
    points = [Point(1.0, 10.0, 1.0), Point(3.0, 30.0, 0.25)]
    assert crossing(points, 0.5) == pytest.approx(Point(2.0, 20.0, 0.5))
    assert crossing(points, 2.0) == points[0]
    assert crossing(points, 0.25) == pytest.approx(points[1])
    assert crossing(points, 0.1) is None
    assert crossing([], 1.0) is None
    back = [*points, Point(4.0, 40.0, 1.0), Point(6.0, 60.0, 0.25)]
    assert crossing(back, 0.5) == pytest.approx(Point(5.0, 50.0, 0.5))
    assert crossing(back[:-1], 0.5) is None


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """A race whose runs are made up: `adaptive` needs 20 s, with the rate 0.1 twice that."""
    settings = RaceSettings(output=str(tmp_path), **{**TINY, "budgets": (10.0, 15.0, 30.0, 60.0)})
    asked = []

    def run(self, name, seed, rate, seconds):
        asked.append((name, seed, rate, seconds))
        needed = {"adaptive": 20.0, "single_scale": 300.0}[name] * (2.0 if rate == 0.1 else 1.0)
        return [Point(1.0, 1.0, 10.0), Point(seconds, seconds, 0.5 * needed / seconds)]

    monkeypatch.setattr(Race, "run", run)
    made = Race(settings, "denoising", "espcn", str(tmp_path))
    made.asked = asked
    return made


def test_a_second_start_goes_on_in_the_precision_of_the_first(tmp_path, monkeypatch):
    settings = RaceSettings(output=str(tmp_path), dtype_policy="auto", **TINY)
    monkeypatch.setattr(Race, "_trained", lambda self, settings: [Point(1.0, 1.0, 1.0)])
    used = []
    for task, measured in (("denoising", 0.5), ("denoising", 2.0), ("deblurring", 2.0)):
        monkeypatch.setattr(precision, "_time_in_bfloat16", lambda problem, part=measured: part)
        made = Race(settings, task, "espcn", str(tmp_path))
        made.run("adaptive", 0, 1e-3, 4.0)  # on file at the second start
        used.append(made._settings.dtype_policy)
    assert keras.config.dtype_policy().name == "float32"  # of the last one
    assert used == ["mixed_bfloat16", "mixed_bfloat16", "float32"]


def with_options(made_up, **options):
    made_up._settings = flags.dataclasses.replace(made_up._settings, **options)
    return made_up


def test_the_rate_is_chosen_by_trials_with_a_seed_of_their_own(made_up):
    assert with_options(made_up, rates=(0.1, 0.01)).best_rate("adaptive") == 0.01
    assert {seed for _, seed, _, _ in made_up.asked} == set(race.TRIAL_SEEDS)
    assert {seconds for *_, seconds in made_up.asked} == {1.0}
    made_up.best_rate("single_scale")
    assert made_up.asked[-1][-1] == 3.0  # its steps are dearer


def test_the_target_is_the_mean_end_of_plain_training(made_up):
    with_options(made_up, rates=(0.01,), reference_seconds=150.0)
    assert made_up.reference() == pytest.approx(Point(150.0, 150.0, 1.0))
    assert [seed for _, seed, _, _ in made_up.asked] == [0, 1, 2]


def test_a_target_may_be_given(made_up):
    with_options(made_up, rates=(0.01,), target=0.25)
    assert made_up.reference().loss == 0.25
    assert made_up.asked == []
    table = as_table(
        "x", made_up.reference(), {"adaptive": [Point(2.0, 3.0, 0.2)]}, {"adaptive": 1}
    )
    assert "0.2500 to stay\n" in table
    assert "| 2.0 (2.0 to 2.0) | 3 |  |" in table


def test_budgets_are_tried_from_the_least_on(made_up):
    found = with_options(made_up, rates=(0.01,)).reached("adaptive", 0.5)
    assert all(10.0 < point.seconds <= 30.0 for point in found)
    tried = [(seed, seconds) for _, seed, _, seconds in made_up.asked]
    # 10 s lead to twice the target: 15 s need not be tried, in which no loss halves.
    assert tried == [(seed, seconds) for seed in (0, 1, 2) for seconds in (10.0, 30.0)]
    made_up.asked.clear()
    assert made_up.reached("adaptive", 0.01) == [None, None, None]
    assert [seconds for *_, seconds in made_up.asked] == [10.0, 30.0, 60.0] * 3


def test_a_table_names_who_was_too_slow():
    some, none = Point(20.0, 500.0, 0.1), None
    results = {"adaptive": [some, some, Point(30.0, 600.0, 0.1)], "progressive": [some, none, none]}
    table = as_table(
        "denoising, resnet", Point(300.0, 9.0, 0.1), results, dict.fromkeys(results, 1e-3)
    )
    assert "| adaptive | 0.001 | 20.0 (20.0 to 30.0) | 500 | 15.0 |" in table
    assert "1 of 3 seeds reached it" in table


@pytest.mark.parametrize("seconds", [math.nan, 300.0])
def test_a_plot_is_made_also_where_nobody_was_in_time(tmp_path, seconds):
    result = Result(Point(seconds, 9.0, 0.1), {"adaptive": [None, None], "progressive": [None]})
    save_plot({"denoising": result}, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 5_000


def test_real_runs_are_kept_and_not_repeated(tmp_path, capsys):
    names = ("single_scale", "adaptive", "full_multiscale_advised")
    settings = RaceSettings(
        output=str(tmp_path), strategies=names, seeds=(0,), rates=(1e-3,), **TINY
    )
    table = time_to_quality.run(settings)
    assert (tmp_path / "time_to_quality.md").read_text() == table
    assert (tmp_path / "time_to_quality.png").stat().st_size > 10_000
    assert all(f"| {name} |" in table for name in names)
    runs = sorted((tmp_path / "denoising-espcn").glob("*.json"))
    assert len(runs) == len(names)  # single_scale's is the reference
    before = [path.stat().st_mtime_ns for path in runs]
    assert time_to_quality.run(settings) == table
    assert [path.stat().st_mtime_ns for path in runs] == before
    other = flags.dataclasses.replace(settings, width=None, validations=3)
    with pytest.raises(ValueError, match="other settings"):
        time_to_quality.run(other)


def test_a_budget_that_starts_nothing_is_a_loss_without_end(tmp_path):
    settings = RaceSettings(output=str(tmp_path), **TINY)
    points = Race(settings, "denoising", "espcn", str(tmp_path)).run(
        "full_multiscale_paper", 0, 1e-3, 1e-3
    )
    assert points[-1].loss == math.inf


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"strategies": ("luck",)}, "luck"),
        ({"seeds": ()}, "--seeds"),
        ({"rates": (0.0,)}, "--rates"),
        ({"budgets": ()}, "--budgets"),
        ({"trial_seconds": -1.0}, "--trial_seconds"),
        ({"validations": 0}, "--validations"),
        ({"tasks": ()}, "--tasks"),
    ],
)
def test_senseless_settings_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        flags.make(RaceSettings, "quick", **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"networks": ("espcn", "vgg")}, "vgg"),
        ({"batch_sizes": (1, 2)}, "--iterations"),
        ({"image_size": 36}, "36"),
    ],
)
def test_what_a_run_would_refuse_is_refused_before_the_first(given, message, tmp_path):
    settings = RaceSettings(output=str(tmp_path), seeds=(0,), **{**TINY, **given})
    with pytest.raises(ValueError, match=message):
        time_to_quality.run(settings)
    assert not list(tmp_path.rglob("*.json"))


def test_each_problem_takes_its_own_part_of_the_preset():
    settings = flags.make(RaceSettings, "quick", seeds=(5,))
    made = [
        race.settings_of(settings, (task, network), "adaptive", seed=1, seconds=7.0)
        for task, network in (("denoising", "resnet"), ("deblurring", "unet"))
    ]
    assert [(s.t_low, s.width, s.dropout) for s in made] == [(0.5, 32, None), (None, 16, 0.0)]
    assert all(s.seconds == 7.0 and s.seed == 1 for s in made)
    assert set(CONTESTANTS) == set(settings.strategies)
