"""How contestants are compared, on runs that are made up."""

import json
import math
import types

import keras
import pytest

from apps import strategies
from apps.experiment import precision, presets
from apps.experiment.budget import BudgetError
from apps.experiment.recording import Point
from apps.experiment.timing import Timed
from apps.races import race
from apps.races.contestants import CONTESTANTS
from apps.races.race import Race
from apps.races.settings import RaceSettings

TINY = {
    "tasks": ("denoising",),
    "networks": ("espcn",),
    "image_size": 64,
    "batch_sizes": (1, 2, 3, 4),
    "limit": 4,
    "validation_samples": 2,
    "validations": 2,
    "trial_seconds": 1.0,
    "budgets": (4.0,),
}


@pytest.fixture
def made_up(tmp_path, monkeypatch):
    """Makes races whose runs are made up: `adaptive` needs 20 s, with the rate 0.1 twice that."""
    asked = []

    def run(self, name, seed, rate, seconds):
        asked.append((name, seed, rate, seconds))
        needed = {"adaptive": 20.0, "single_scale": 300.0}[name] * (2.0 if rate == 0.1 else 1.0)
        return [Point(1.0, 1.0, 10.0), Point(seconds, seconds, 0.5 * needed / seconds)]

    monkeypatch.setattr(Race, "run", run)

    def made(**options):
        budgets = (10.0, 15.0, 30.0, 60.0)
        settings = RaceSettings(output=str(tmp_path), **{**TINY, "budgets": budgets, **options})
        return Race(settings, "denoising", "espcn", str(tmp_path))

    made.asked = asked
    return made


def test_the_rate_is_chosen_by_trials_with_a_seed_of_their_own(made_up):
    found = made_up(rates=(0.1, 0.01))
    assert found.best_rate("adaptive") == 0.01
    assert {seed for _, seed, _, _ in made_up.asked} == set(race.TRIAL_SEEDS)
    assert {seconds for *_, seconds in made_up.asked} == {1.0}
    found.best_rate("single_scale")
    assert made_up.asked[-1][-1] == 3.0  # its steps are dearer


def test_the_target_is_the_mean_end_of_plain_training(made_up):
    found = made_up(rates=(0.01,), reference_seconds=150.0)
    assert found.reference() == pytest.approx(Point(150.0, 150.0, 1.0))
    assert [seed for _, seed, _, _ in made_up.asked] == [0, 1, 2]


def test_a_target_may_be_given(made_up):
    assert made_up(rates=(0.01,), target=0.25).reference().loss == 0.25
    assert made_up.asked == []


def test_budgets_are_tried_from_the_least_on(made_up):
    some = made_up(rates=(0.01,))
    assert all(10.0 < point.seconds <= 30.0 for point in some.reached("adaptive", 0.5))
    tried = [(seed, seconds) for _, seed, _, seconds in made_up.asked]
    # 10 s lead to twice the target: 15 s need not be tried, in which no loss halves.
    assert tried == [(seed, seconds) for seed in (0, 1, 2) for seconds in (10.0, 30.0)]
    made_up.asked.clear()
    assert some.reached("adaptive", 0.01) == [None, None, None]
    assert [seconds for *_, seconds in made_up.asked] == [10.0, 30.0, 60.0] * 3


@pytest.fixture
def instead(monkeypatch):
    """Has every strategy do something else than train."""

    def replace(train):
        stand_in = types.SimpleNamespace(train=train)
        monkeypatch.setattr(strategies, "get", lambda name: stand_in)

    return replace


def one_race(tmp_path, task="denoising", **options):
    settings = RaceSettings(output=str(tmp_path), **{**TINY, **options})
    return Race(settings, task, "espcn", str(tmp_path))


def test_a_second_start_goes_on_in_the_precision_of_the_first(tmp_path, monkeypatch, instead):
    curve = types.SimpleNamespace(points=[Point(1.0, 1.0, 1.0)])
    instead(lambda *_, **__: types.SimpleNamespace(curve=curve))
    used = []
    for task, part in (("denoising", 0.5), ("denoising", 2.0), ("deblurring", 2.0)):
        timed = {"float32": Timed((1.0,)), "mixed_bfloat16": Timed((part,))}
        monkeypatch.setattr(precision, "interleaved", lambda *_, found=timed, **__: found)
        one_race(tmp_path, task, dtype_policy="auto").run("adaptive", 0, 1e-3, 4.0)
        used.append(keras.config.dtype_policy().name)
    assert used == ["mixed_bfloat16", "mixed_bfloat16", "float32"]
    (file,) = (tmp_path / "denoising-espcn").glob("*.json")  # at the second start, on file
    assert json.loads(file.read_text())["settings"]["dtype_policy"] == "mixed_bfloat16"


def test_a_budget_that_starts_nothing_is_a_loss_without_end(tmp_path, instead):
    def too_little(*_, **__):
        raise BudgetError("It takes more.")

    instead(too_little)
    points = one_race(tmp_path).run("adaptive", 0, 1e-3, 4.0)
    assert points == [Point(4.0, 0.0, math.inf)]


def test_other_errors_of_a_run_end_the_race(tmp_path, instead):
    def broken(*_, **__):
        raise ValueError("It does not pay to go on.")

    instead(broken)
    with pytest.raises(ValueError, match="does not pay to go on"):
        one_race(tmp_path).run("adaptive", 0, 1e-3, 4.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_sizes": (1,)}, "needs two levels"),
        ({"image_size": 36}, "36"),
        ({"width": 4}, "--width is no option of espcn"),
    ],
)
def test_what_a_run_would_refuse_is_refused_before_the_first(given, message):
    settings = RaceSettings(**{**TINY, **given})
    with pytest.raises(ValueError, match=message):
        race.check(settings, "denoising", "espcn")


def test_losses_without_a_logarithm_are_refused_also_if_a_preset_has_them():
    settings = presets.make(RaceSettings, "paper", **TINY, strategies=("single_scale",))
    race.check(settings, "denoising", "espcn")
    with pytest.raises(ValueError, match="--loss=authors_ssim"):
        race.check(settings, "super_resolution", "espcn")


def test_each_problem_takes_its_own_part_of_the_preset():
    settings = presets.make(RaceSettings, "quick", seeds=(5,))
    made = [
        race.settings_of(settings, (task, network), "adaptive", seed=1, seconds=7.0)
        for task, network in (("denoising", "resnet"), ("deblurring", "unet"))
    ]
    assert [(s.t_low, s.width, s.dropout) for s in made] == [(0.7, 32, None), (None, 16, 0.0)]
    assert all(s.seconds == 7.0 and s.seed == 1 for s in made)
    assert set(CONTESTANTS) == set(settings.strategies)
