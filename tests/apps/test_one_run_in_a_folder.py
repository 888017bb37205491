"""No app writes where another run does, or where it cannot: it says so before it computes."""

import pytest

from apps import diagnose, evaluate, time_to_quality
from apps.benchmark import __main__ as benchmark
from apps.benchmark.settings import BenchmarkSettings
from apps.experiment import evaluating, output_folder
from apps.frontier import app as frontier
from apps.frontier.settings import FrontierSettings
from apps.races.settings import RaceSettings
from apps.segmentation import __main__ as segmentation
from apps.segmentation.settings import SegmentationSettings

APPS = {
    "benchmark": (benchmark.run, BenchmarkSettings),
    "diagnose": (diagnose.run, diagnose.DiagnoseSettings),
    "evaluate": (evaluate.run, evaluate.EvaluateSettings),
    "frontier": (frontier.run, FrontierSettings),
    "segmentation": (segmentation.run, SegmentationSettings),
    "time_to_quality": (time_to_quality.run, RaceSettings),
}
FOLDERS = {name: name for name in ("data_dir", "target_dir", "val_data_dir", "val_target_dir")}
OPTIONS = {"segmentation": {**FOLDERS, "classes": "3"}}


@pytest.fixture(params=APPS)
def run(request, monkeypatch):
    """Runs an app into a folder; what is checked before, whether data are there, is not."""
    for module in ("apps.races.race", "apps.frontier.race", "apps.segmentation.race"):
        monkeypatch.setattr(f"{module}.check", lambda *_: None)
    monkeypatch.setattr(evaluating, "_photos", lambda *_: ())
    monkeypatch.setattr("apps.frontier.problems.chosen", lambda _: [])
    app, settings = APPS[request.param]
    return lambda output: app(settings(output=str(output), **OPTIONS.get(request.param, {})))


def test_a_folder_that_another_run_holds_is_refused(run, tmp_path):
    with (
        output_folder.held(tmp_path),
        pytest.raises(ValueError, match="Another run writes to --output"),
    ):
        run(tmp_path)


def test_what_is_no_folder_is_refused(run, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="--output must be a folder"):
        run(tmp_path / "file")
