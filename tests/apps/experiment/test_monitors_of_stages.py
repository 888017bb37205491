import json

import pytest

from apps import strategies
from apps.benchmark.settings import BenchmarkSettings
from apps.experiment import options, presets
from apps.experiment.per_stage import Fitting, FittingFromFinest
from apps.experiment.settings import Settings
from apps.races import race
from apps.races.contestants import CONTESTANTS
from apps.races.settings import RaceSettings


@pytest.mark.parametrize(
    ("default", "levels", "steps"),
    [
        ((250, 500, 1000, 2000), 1, (2000,)),
        ((250, 500, 1000, 2000), 2, (1000, 2000)),
        ((250, 500, 1000, 2000), 4, (250, 500, 1000, 2000)),
        ((250, 500, 1000, 2000), 5, (125, 250, 500, 1000, 2000)),
        ((2000, 2000, 2000, 2000), 3, (2000,) * 3),
        ((1, 2, 8, 32), 2, (16, 32)),
        ((1, 2, 8, 32), 3, (4, 8, 32)),
        ((1, 2, 8, 32), 6, (1, 2, 8, 32, 128, 512)),
    ],
)
def test_a_default_fits_itself_to_the_levels(default, levels, steps):
    assert Fitting(default).fitted(levels) == steps


@pytest.mark.parametrize(
    ("levels", "steps"),
    [
        (1, (250,)),
        (3, (250, 500, 1000)),
        (4, (250, 500, 1000, 2000)),
        (5, (250, 500, 1000, 2000, 4000)),
    ],
)
def test_the_papers_finest_stages_keep_their_steps(levels, steps):
    assert FittingFromFinest((250, 500, 1000, 2000)).fitted(levels) == steps


STAGED = ("full_multiscale", "adaptive", "progressive")


@pytest.mark.parametrize("preset", presets.PRESETS)
@pytest.mark.parametrize("sizes", [(2, 4), (1, 2, 4, 8, 16)])
def test_batch_sizes_alone_say_how_many_levels_there_are(preset, sizes):
    given = {"network": "resnet", "batch_sizes": sizes, "compare": STAGED}
    made = presets.make(Settings, preset, **given)
    for strategy in strategies.chosen(made):
        strategy.check(made)
    steps = made.stage_iterations
    kept = steps[-1] if preset == "quick" else steps[0]
    assert kept == {"quick": 2000, "paper": 250}[preset]
    assert (len(steps), steps[-1] / steps[-2]) == (len(sizes), 2.0)
    (staged,) = strategies.chosen(options.replaced(made, strategy="progressive", compare=()))
    assert staged.iterations(made, len(sizes)) == steps


def test_levels_may_be_changed_later():
    made = presets.make(Settings, "quick", network="resnet", batch_sizes=(2, 4))
    made = options.replaced(made, batch_sizes=(1,))
    assert made.stage_iterations == (2000,)


def test_presets_of_a_task_fit_as_well():
    made = presets.make(Settings, "paper", task="super_resolution", network="espcn")
    assert options.replaced(made, batch_sizes=(1, 2)).stage_iterations == (2000, 2000)


@pytest.mark.parametrize("steps", [(250, 500, 1000, 2000), (1, 2, 3), (7,)])
def test_what_is_given_is_taken_at_its_word(steps):
    made = presets.make(Settings, "quick", batch_sizes=(2, 4), iterations=steps)
    with pytest.raises(ValueError, match=r"--batch_sizes=2,4\. Give 2 iterations, .* batch sizes"):
        strategies.chosen(made)


def test_measured_levels_need_the_steps_of_the_coarsest_alone():
    made = Settings(auto_levels=True, iterations=(40,), batch_sizes=(2,))
    (strategy,) = strategies.chosen(made)
    assert strategy.iterations(made, 3) == (10, 20, 40)


def test_settings_on_file_are_what_they_were():
    values = options.as_dict(Settings(batch_sizes=(2, 4)))
    assert json.loads(json.dumps(values))["iterations"] == [250, 500, 1000, 2000]


@pytest.mark.parametrize("settings", [RaceSettings, BenchmarkSettings])
def test_races_run_on_any_number_of_levels(settings):
    few = settings(batch_sizes=(1, 2), width=4, image_size=64, strategies=tuple(CONTESTANTS))
    race.check(few, "denoising", "resnet")
    made = race.settings_of(few, ("denoising", "resnet"), "progressive_halving")
    assert made.stage_iterations == (16, 32)
