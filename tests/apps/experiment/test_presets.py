import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from apps import strategies
from apps.experiment import budget, building, presets
from apps.experiment.settings import Settings
from apps.races import race
from apps.races.settings import RaceSettings


def test_presets_depend_on_task_and_network():
    made = presets.make(Settings, "paper", task="super_resolution", network="espcn")
    assert made.batch_sizes == (1, 2, 4, 8)
    assert made.iterations == (2000,) * 4
    assert (made.learning_rate, made.decay, made.loss) == (1e-3, "constant", "authors_ssim")
    assert made.width is None
    made = presets.make(Settings, "quick", task="deblurring", network="unet")
    assert (made.width, made.dropout, made.t_low) == (16, 0.0, None)
    assert presets.make(Settings, "paper", task="inpainting").iterations == (2000,) * 4
    assert presets.make(Settings, "paper", task="deblurring").border == "circular"


@pytest.mark.parametrize("task", keras_ms.tasks.names())
def test_the_quick_presets_network_keeps_colours(task):
    """It begins as the input, and normalises no pixels of the whole image."""
    made = presets.make(Settings, "quick", task=task)
    assert made.residual
    assert made.normalization in (None, "channel")
    assert made.keep_contrast
    network = building.make_network(made)
    image = np.random.default_rng(0).normal(size=(1, 24, 24, 3)).astype("float32")
    wanted = image if made.task != "super_resolution" else tf.image.resize(image, (48, 48))
    np.testing.assert_allclose(network(image), wanted, atol=0.1)
    assert keras_ms.inference.receptive_field(network) is not None


# Every number of the paper's, or of its authors' program, for all tasks.
PAPER = {
    "strategy": "full_multiscale",
    "batch_sizes": (16, 32, 64, 128),
    "single_scale_batch": 240,
    "iterations": (250, 500, 1000, 2000),
    "coarsening": "degrade_first",
    "restriction": "stride",
    "conditional": True,
    "keep_contrast": False,
    "image_size": 128,
    "flip": False,
    "validation_samples": 512,
    "dtype_policy": "float32",
    "optimizer": "adam",
    "learning_rate": 5e-4,
    "final_learning_rate": 1e-6,
    "decay": "cosine",
    "loss": None,
    "measure_ssim": False,
    "auto_levels": False,
    "control_weights": None,
    "refresh": (),
    "seconds": None,
    "work_units": None,
    **dict.fromkeys(("width", "depth", "dropout", "multipliers", "normalization", "residual")),
}
OF_TASK = {
    "denoising": {"network": "paper_resnet"},
    "deblurring": {"network": "paper_resnet", "border": "circular", "enlarged_by": "nearest"},
    "inpainting": {"network": "paper_resnet", "iterations": (2000,) * 4, "measure_ssim": True},
    "super_resolution": {
        "network": "paper_sr_resnet",
        "batch_sizes": (1, 2, 4, 8),
        "single_scale_batch": 15,
        "iterations": (2000,) * 4,
        "restriction": "average",
        "conditional": False,
        "learning_rate": 1e-3,
        "decay": "constant",
        "loss": "authors_ssim",
        "measure_ssim": True,
    },
}


@pytest.mark.parametrize("task", OF_TASK)
def test_paper_preset_has_the_papers_values(task):
    made = presets.make(Settings, "paper", task=task)
    wanted = {**PAPER, **OF_TASK[task]}
    assert {name: getattr(made, name) for name in wanted} == wanted


def test_paper_preset_has_the_papers_tasks():
    made = {
        name: building.make_task(presets.make(Settings, "paper", task=name)) for name in OF_TASK
    }
    noise = {name: task.t_range for name, task in made.items()}
    assert (noise["denoising"], noise["deblurring"]) == ((0.0, 1.0), (0.0, 0.1))
    assert noise["inpainting"] == (0.0, 0.1)
    assert (made["deblurring"].sigma, made["deblurring"].border) == (3.0, "circular")
    assert made["inpainting"].max_rectangles == 3
    assert made["inpainting"].side_range == (1 / 12, 1 / 6)
    assert (made["super_resolution"].scale, made["super_resolution"].conditional) == (2, False)


# The paper's budgets, worked out: docs and tables show them rounded.
BUDGETS = [
    ("single_scale", {}, 480_000),
    ("multiscale", {}, 74_000),
    ("full_multiscale", {}, 28_750),
    ("full_multiscale", {"task": "deblurring"}, 28_750),
    ("full_multiscale", {"task": "inpainting"}, 126_000),
    ("single_scale", {"task": "super_resolution"}, 30_000),
    ("multiscale", {"task": "super_resolution"}, 4_625),
    ("full_multiscale", {"task": "super_resolution"}, 7_875),
    ("multiscale", {"batch_sizes": (16, 32, 64)}, 68_000),
    ("full_multiscale", {"batch_sizes": (16, 32, 64)}, 19_500),
    ("multiscale", {"batch_sizes": (16, 32)}, 56_000),
    ("full_multiscale", {"batch_sizes": (16, 32)}, 11_000),
]


@pytest.mark.parametrize(("strategy", "given", "wanted"), BUDGETS)
def test_paper_preset_spends_the_papers_work_units(strategy, given, wanted):
    settings = presets.make(Settings, "paper", strategy=strategy, **given)
    (chosen,) = strategies.chosen(settings)
    levels = keras_ms.Levels(chosen.data_options(settings).get("levels", settings.batch_sizes))
    iterations = chosen.iterations(settings, levels.num_levels)
    costs = [levels.work_units(stage) for stage in range(len(iterations))]
    plan = budget.make_plan(settings, iterations, costs)
    assert plan.iterations == iterations
    assert plan.steps_per_epoch >= 10  # not exact at the price of tiny epochs
    assert sum(n * cost for n, cost in zip(plan.iterations, costs, strict=True)) == wanted


@pytest.mark.parametrize("coarsening", ["task", "crop", "coarsen_and_crop", "auto"])
def test_what_goes_with_a_value_of_the_preset_is_left_with_it(coarsening):
    made = presets.make(Settings, "paper", coarsening=coarsening)
    assert (made.coarsening, made.restriction) == (coarsening, "average")
    options = presets.make(RaceSettings, "paper")
    special = {"strategy": "progressive", "coarsening": coarsening}
    row = presets.row(options, Settings, "denoising", "resnet", **special)
    assert (row.coarsening, row.restriction) == (coarsening, "average")


@pytest.mark.parametrize("coarsening", ["degrade_first", "degrade_first,task,task,crop"])
def test_what_goes_with_a_value_that_is_given_as_well_stays(coarsening):
    made = presets.make(Settings, "paper", coarsening=coarsening)
    assert (made.coarsening, made.restriction) == (coarsening, "stride")


def test_a_restriction_that_is_given_must_go_with_the_coarsening():
    with pytest.raises(ValueError, match="--restriction=stride, --coarsening=crop"):
        presets.make(Settings, "paper", coarsening="crop", restriction="stride")
    row = race.settings_of(presets.make(RaceSettings, "paper"), ("denoising", "unet"), "adaptive")
    assert (row.coarsening, row.restriction) == ("degrade_first", "stride")


def test_ways_to_enlarge_are_of_the_small_images():
    made = presets.make(Settings, "paper", task="deblurring")
    assert (made.dataset, made.enlarged_by) == ("photos", "nearest")  # which photos do not look at
    assert presets.make(Settings, "quick", dataset="stl10", enlarged_by="nearest")
    with pytest.raises(ValueError, match=r"--dataset=stl10\. Received: --dataset=photos"):
        presets.make(Settings, "quick", enlarged_by="nearest")


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match=r"one of quick, paper\. Received: --preset=slow"):
        presets.make(Settings, "slow")


@pytest.mark.parametrize(
    ("name", "default", "text"),
    [
        ("limit", None, "default: None"),
        ("flip", True, "quick: True; paper: False"),
        ("width", None, "quick: 32 for resnet and resnet18 and resnet50, 16 for unet, 8 for unet5"),
        (
            "batch_sizes",
            (4, 8),
            "quick: 4,8, 4,16 for half_resnet; paper: 16,32,64,128, 1,2,4,8 for super_resolution",
        ),
    ],
)
def test_values_by_preset_are_described(name, default, text):
    assert presets.described(name, default).startswith(text)
