import pytest

from apps.diagnose import DiagnoseSettings
from apps.experiment.settings import Settings
from apps.races.settings import RaceSettings


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dataset": "folder"}, "--dataset=folder needs --data_dir"),
        ({"data_dir": "x"}, "--data_dir=x. Add --dataset=folder"),
        ({"seconds": 1.0, "work_units": 2.0}, "not both"),
        ({"seconds": -1.0}, "--seconds must be positive"),
        ({"work_units": 0.0}, "--work_units must be positive"),
        ({"learning_rate": 0.0}, "--learning_rate must be positive"),
        ({"restriction": "stride"}, "--coarsening=task"),
        ({"coarsening": "resize"}, "Received: --coarsening=resize"),
        ({"coarsening": "task,auto", "batch_sizes": (1, 2)}, "one but auto for every level"),
        ({"coarsening": "task,crop", "batch_sizes": (1, 2, 4)}, "--batch_sizes=1,2,4"),
        ({"coarsening": "task,crop,crop,crop", "auto_levels": True}, "Use one word"),
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
        ({"portable": ("onnx", "jpeg")}, "--portable takes some of onnx, litert. Received: jpeg"),
        ({"task": "sleeping"}, "--task is one of .*Received: sleeping"),
        ({"network": "vgg"}, "--network is one of .*Received: vgg"),
        ({"dataset": "mnist"}, "--dataset is one of .*Received: mnist"),
        ({"loss": "hinge"}, "--loss is one of .*Received: hinge"),
        ({"decay": "linear"}, "--decay is one of .*Received: linear"),
        ({"control_weights": (1.0,)}, "--control_weights=1.0, --batch_sizes=4,8,16,32"),
        ({"refresh": (2, 1)}, "--refresh=2,1, --batch_sizes=4,8,16,32. Use for example 8,4,2,1"),
        ({"refresh": (8, 4, 2, 2)}, "of which the last is 1"),
        ({"refresh": (0, 1, 1, 1)}, "--refresh=0,1,1,1"),
        ({"refresh": (8, 4, 2, 1), "auto_levels": True}, "goes with --batch_sizes on one device"),
        ({"refresh": (8, 4, 2, 1), "distribute": "mirrored"}, "on one device"),
        ({"control_weights": (1.0,) * 3, "auto_levels": True}, "--auto_levels decides"),
        ({"distribute": "multi_worker", "seconds": 9.0}, "clocks of several hosts differ"),
        ({"distribute": "multi_worker", "auto_levels": True}, "hosts would decide differently"),
        ({"distribute": "multi_worker", "coarsening": "auto"}, "hosts would decide differently"),
        ({"distribute": "horovod"}, "--distribute is one of"),
    ],
)
def test_senseless_combinations(options, match):
    with pytest.raises(ValueError, match=match):
        Settings(**options)


@pytest.mark.parametrize(
    ("settings", "given", "message"),
    [
        (DiagnoseSettings, {"steps": -1}, "--steps"),
        (DiagnoseSettings, {"samples": 0}, "--samples"),
        (DiagnoseSettings, {"seconds": 0.0}, "--seconds"),
        (RaceSettings, {"strategies": ("luck",)}, "luck"),
        (RaceSettings, {"seeds": ()}, "--seeds"),
        (RaceSettings, {"rates": (0.0,)}, "--rates"),
        (RaceSettings, {"budgets": ()}, "--budgets"),
        (RaceSettings, {"budgets": (60.0, 30.0)}, "ascending"),
        (RaceSettings, {"trial_seconds": -1.0}, "--trial_seconds"),
        (RaceSettings, {"validations": 0}, "--validations"),
        (RaceSettings, {"tasks": ()}, "--tasks"),
        (RaceSettings, {"networks": ("espcn", "vgg")}, "vgg"),
        (RaceSettings, {"loss": "ssim"}, "--loss=ssim"),
    ],
)
def test_senseless_settings_of_other_apps(settings, given, message):
    with pytest.raises(ValueError, match=message):
        settings(**given)


def test_strategies_come_once_each():
    settings = Settings(compare=("single_scale", "full_multiscale"))
    assert settings.strategies == ("full_multiscale", "single_scale")
