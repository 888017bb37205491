import dataclasses

import pytest
from absl import flags as absl_flags

from apps.experiment import flags
from apps.experiment.settings import Settings


@pytest.fixture
def parse(monkeypatch):
    values = absl_flags.FlagValues()
    monkeypatch.setattr(absl_flags, "FLAGS", values)
    # absl's DEFINE_* functions add to the global flags unless told otherwise.
    for name in ("enum", "list", "bool", "integer", "float", "string"):
        original = getattr(absl_flags, f"DEFINE_{name}")

        def define(*args, original=original):
            return original(*args, flag_values=values)

        monkeypatch.setattr(absl_flags, f"DEFINE_{name}", define)
    flags.define(Settings)

    def parsed(*arguments):
        values(["train", *arguments])
        return flags.read(Settings)

    return parsed


def test_without_flags_the_preset_is_quick(parse):
    assert parse() == flags.make(Settings, "quick")
    assert parse() == Settings(t_low=0.5, t_high=1.0, width=32)


def test_presets_depend_on_task_and_network(parse):
    settings = parse("--task=super_resolution", "--preset=paper", "--network=espcn")
    assert settings.batch_sizes == (1, 2, 4, 8)
    assert settings.iterations == (2000,) * 4
    assert (settings.learning_rate, settings.decay, settings.loss) == (1e-3, "constant", "ssim")
    assert settings.width is None
    settings = parse("--task=deblurring", "--network=unet", "--preset=quick")
    assert (settings.width, settings.dropout, settings.t_low) == (16, 0.0, None)
    assert parse("--task=inpainting", "--preset=paper").iterations == (2000,) * 4
    assert parse("--task=deblurring", "--preset=paper").border == "circular"


def test_paper_preset_has_the_papers_values(parse):
    settings = parse("--preset=paper")
    assert settings.batch_sizes == (16, 32, 64, 128)
    assert settings.iterations == (250, 500, 1000, 2000)
    assert settings.single_scale_batch == 240
    assert (settings.width, settings.depth) == (None, None)  # the network's own: 128 and 2
    assert (settings.learning_rate, settings.final_learning_rate) == (5e-4, 1e-6)
    assert (settings.coarsening, settings.restriction) == ("degrade_first", "stride")
    assert (settings.t_low, settings.t_high, settings.image_size) == (0.0, 1.0, 128)


def test_flags_override_the_preset(parse):
    settings = parse(
        "--preset=paper", "--batch_sizes=2, 4", "--iterations=1,2", "--seconds=5", "--noflip"
    )
    assert settings.batch_sizes == (2, 4)
    assert settings.seconds == 5.0
    assert settings.flip is False
    assert settings.width is None


def test_every_setting_is_a_flag(parse):
    parse()
    assert {field.name for field in dataclasses.fields(Settings)} <= set(absl_flags.FLAGS)


def test_a_list_that_is_not_of_numbers(parse):
    with pytest.raises(ValueError, match="Received: --batch_sizes=4,eight"):
        parse("--batch_sizes=4,eight")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dataset": "folder"}, "--data_dir=None"),
        ({"data_dir": "x"}, "--dataset=photos, --data_dir=x"),
        ({"seconds": 1.0, "work_units": 2.0}, "not both"),
        ({"seconds": -1.0}, "--seconds must be positive"),
        ({"work_units": 0.0}, "--work_units must be positive"),
        ({"learning_rate": 0.0}, "--learning_rate must be positive"),
        ({"iterations": (1, 2)}, "--iterations=1,2, --batch_sizes=4,8,16,32"),
        ({"batch_sizes": (4,), "iterations": (1,)}, "needs two levels"),
        ({"compare": ("sgd",)}, "Received: sgd"),
        ({"restriction": "stride"}, "--coarsening=task"),
        ({"iterations": (-1, 2), "batch_sizes": (2, 4)}, "Received: --iterations=-1,2"),
        ({"iterations": (0, 0), "batch_sizes": (2, 4)}, "Received: --iterations=0,0"),
        ({"iterations": (), "strategy": "single_scale"}, "Received: --iterations="),
        ({"seconds": float("inf")}, "--seconds=inf"),
        ({"work_units": float("nan")}, "--work_units=nan"),
        ({"learning_rate": float("nan")}, "--learning_rate=nan"),
        ({"final_learning_rate": -1.0}, "--final_learning_rate=-1"),
        ({"validation_samples": 0}, "--validation_samples=0"),
        ({"sigma": 2.0}, "--sigma is no option of denoising. Received: --sigma=2.0"),
        ({"dropout": 0.5}, "--dropout is no option of resnet. Received: --dropout=0.5"),
    ],
)
def test_senseless_combinations(options, match):
    with pytest.raises(ValueError, match=match):
        Settings(**options)


def test_strategies_come_once_each():
    settings = Settings(compare=("single_scale", "full_multiscale"))
    assert settings.strategies == ("full_multiscale", "single_scale")
