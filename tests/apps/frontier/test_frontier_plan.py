import math

import pytest

from apps.experiment import presets
from apps.experiment.settings import Settings
from apps.frontier import plan, problems
from apps.frontier.contestants import COARSE_PROBLEMS, CONTESTANTS, MORE, SUMS, WHAT_THEY_ARE
from apps.frontier.entries import Entry
from apps.frontier.runs import distinct, settings_of
from apps.frontier.settings import FrontierSettings


def made(**given):
    usual = {"problems": ("deblurring/unet",), "default": "adaptive"}
    return presets.make(FrontierSettings, "quick", **{**usual, **given})


def entry(*losses, budget=240.0):
    runs = [
        {"points": [{"seconds": budget}], "loss": loss} if loss is not None else {"points": []}
        for loss in losses
    ]
    return Entry(1e-3, {60.0: [], budget: runs})


def test_the_best_run_as_often_as_the_default():
    losses = {"plain_1": 0.3, "plain_4": 0.2, "plain_16": None, "crops_64": 0.12}
    losses |= {"adaptive": 0.5, "grown_crops": 0.1, "coarse_to_fine": 0.12}
    found = {name: entry(loss) for name, loss in losses.items()}
    # Of the two that end alike, the first.
    assert plan.refined(made(), found) == ["adaptive", "plain_4", "grown_crops", "crops_64"]
    crops = made(plain=("plain_1", "plain_4", "plain_16", "crops_64"))
    assert plan.refined(crops, found) == ["adaptive", "crops_64", "grown_crops", "coarse_to_fine"]


def test_all_but_the_last_budget_are_for_all():
    assert (plan.short(made()), plan.long(made())) == ((60.0, 240.0), (960.0,))
    single = made(budgets=(30.0,))
    assert (plan.short(single), plan.long(single)) == ((30.0,), ())


def test_time_is_told_for_all_runs():
    # Eleven contestants with four trials and two budgets; four with two more seeds and the longest.
    assert sum(plan.budgets(made())) == 11 * (4 * 30 + 300) + 4 * (2 * 300 + 960)
    few = made(contestants=("plain_1", "adaptive", "grown_crops"), rates=(1e-3,), seeds=(5,))
    assert sorted(plan.budgets(few)) == [60.0] * 3 + [240.0] * 3 + [960.0] * 3


def test_a_median_counts_runs_that_came_to_nothing():
    assert entry(0.1, 0.3, 0.2).median(240.0) == 0.2
    assert entry(0.1, None, 0.3).median(240.0) == 0.3
    assert entry(0.1, None, None).median(240.0) == entry(math.nan).median(240.0) == math.inf
    assert entry(0.1).median(960.0) == math.inf
    assert entry(0.1, None, None).curve == []
    assert entry(0.1, None, 0.3).curve == [(240.0, 0.3)]


def test_contestants_differ_as_they_are_called():
    options, problem = made(), problems.Named("deblurring", "unet")
    runs = {name: settings_of(options, problem, name, seconds=60.0) for name in CONTESTANTS}
    assert {run.task for run in runs.values()} == {"deblurring"}
    assert {(run.width, run.dropout, run.seconds) for run in runs.values()} == {(16, 0.0, 60.0)}
    assert [runs[f"plain_{n}"].single_scale_batch for n in (1, 4, 16)] == [1, 4, 16]
    sides = {name: run.image_size for name, run in runs.items() if run.image_size != 128}
    assert sides == {"crops_32": 32, "crops_64": 64}
    assert runs["grown_crops"].coarsening == "crop"
    assert runs["full_multiscale"].auto_levels
    assert runs["progressive_resizing"].single_scale_batch == runs["adaptive"].batch_sizes[0]
    assert set(WHAT_THEY_ARE) == {*CONTESTANTS, *MORE}


def test_coarse_problems_are_raced_if_they_are_named():
    assert not {*made().contestants} & {*MORE}
    names = ("plain_4", "coarse_to_fine", "grown_crops", *COARSE_PROBLEMS)
    options, problem = made(contestants=names), problems.Named("deblurring", "unet")
    found = [settings_of(options, problem, name, seconds=60.0) for name in names[1:]]
    ways = ["task", "crop", "coarsen_and_crop", "auto"]
    assert [(run.strategy, run.coarsening) for run in found] == [("progressive", w) for w in ways]
    assert distinct(options, problem)[0].contestants == names


def test_where_the_sum_pays_can_be_searched_for_by_name():
    options, problem = made(contestants=("plain_1", *SUMS)), problems.Named("deblurring", "unet")
    found = {name: settings_of(options, problem, name, work_units=90.0) for name in SUMS}
    assert {run.strategy for name, run in found.items() if "sum" in name} == {"full_multiscale"}
    ones = {name: run.batch_sizes for name, run in found.items() if name.startswith("one_fine")}
    assert set(ones.values()) == {(1, 4, 16, 64)}
    kept = {name: run.refresh for name, run in found.items() if run.refresh}
    assert kept == dict.fromkeys(("one_fine_kept", "kept_sum"), (8, 4, 2, 1))


def test_contestants_that_are_others_by_another_name_are_left_out():
    given = {"image_size": 64, "contestants": ("plain_16", "crops_32", "crops_64")}
    options, names = distinct(made(**given), problems.Named("deblurring", "unet"))
    assert options.contestants == ("plain_16", "crops_32")
    assert names == {"plain_16": "plain_16", "crops_32": "crops_32", "crops_64": "plain_16"}
    given |= {"plain": ("crops_64",), "default": "crops_64"}
    options, names = distinct(made(**given), problems.Named("deblurring", "unet"))
    assert (options.contestants, options.plain) == (("crops_32", "crops_64"), ("crops_64",))
    assert names["plain_16"] == "crops_64"


def test_the_default_is_what_the_preset_says():
    options = made(default="default", contestants=("plain_1", "coarse_to_fine", "default"))
    run = settings_of(options, problems.Named("denoising", "resnet"), "default")
    usual = presets.make(Settings, "quick", network="resnet")
    assert (run.strategy, run.batch_sizes) == (usual.strategy, usual.batch_sizes)
    # Its levels are those of coarse to fine, and so are the proportions of its steps.
    assert run.strategy == "progressive"
    options, names = distinct(options, problems.Named("denoising", "resnet"))
    assert names == {"default": "default", "plain_1": "plain_1", "coarse_to_fine": "default"}
    assert options.contestants == ("plain_1", "default")
    few = settings_of(made(batch_sizes=(2, 4)), problems.Named("deblurring", "unet"), "default")
    assert few.iterations == (500, 1000)


def test_the_papers_preset_can_be_raced():
    options = presets.make(FrontierSettings, "paper", problems=("denoising/resnet",))
    for name in CONTESTANTS:
        settings_of(options, problems.Named("denoising", "resnet"), name)


def test_pairs_of_masks_have_what_races_on_masks_have_unless_it_is_given():
    folders = {"data_dir": "x", "target_dir": "y", "val_data_dir": "v", "val_target_dir": "w"}
    masks = {**folders, "classes": "11", "problems": ("camvid/unet",)}
    run, trial = (
        settings_of(made(**masks), problems.Named("camvid", "unet"), "plain_1", seconds)
        for seconds in (None, 30.0)
    )
    assert (run.image_size, run.batch_sizes, run.multipliers) == (192, (2, 4, 8), (1, 2, 4, 8))
    assert (run.val_data_dir, trial.val_data_dir, trial.seconds) == ("v", None, 30.0)
    given = made(**masks, image_size=96, width=4)
    run = settings_of(given, problems.Named("camvid", "unet"), None)
    assert (run.image_size, run.width, run.normalization) == (96, 4, "group")


@pytest.mark.parametrize("title", [*problems.TASKS, *problems.PAIRS])
def test_the_usual_problems_are_there(title):
    own = {"data_dir": "x", "target_dir": "y"} if title in problems.PAIRS else {}
    (problem,) = problems.chosen(made(problems=(title,), **own))
    assert (problem.title, problem.file) == (title, title.replace("/", "-"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"problems": ("deblurring",)}, "NAME/NETWORK.*Received: deblurring"),
        ({"problems": ("camvid/unet",)}, "NAME is one of.*Received: camvid/unet"),
        ({"problems": ("a.b/unet",), "data_dir": "x", "target_dir": "y"}, "Received: a.b/unet"),
        ({"contestants": ("adaptive",)}, "Plain training takes part"),
        ({"contestants": ("plain_2",)}, "Received: plain_2"),
        ({"default": "nobody"}, "Received: nobody"),
        ({"budgets": ()}, "not empty"),
        ({"budgets": (60.0, 30.0)}, "ascending"),
        ({"budgets": (60.0, 60.0)}, "ascending"),
        ({"seeds": (1, 1)}, "each once"),
        ({"rates": (0.0,)}, "positive and finite"),
        ({"dtype_policy": "auto"}, "one precision"),
        ({"loss": "ssim"}, "--loss=ssim"),
    ],
)
def test_senseless_settings_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        problems.chosen(made(**given))
