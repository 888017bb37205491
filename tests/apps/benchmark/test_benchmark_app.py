"""`python -m apps.benchmark` at a tiny size."""

import importlib
import json

import keras
import pytest

from apps.benchmark import report, runs
from apps.benchmark.settings import BenchmarkSettings

TINY = {
    "width": 4,
    "image_size": 16,
    "batch_sizes": (2, 4),
    "sizes": (16,),
    "depths": (1, 2),
    "rounds": 2,
    "seconds_per_round": 0.01,
    "stage_steps": 2,
    "limit": 3,
}


@pytest.fixture(scope="module")
def app():
    return importlib.import_module("apps.benchmark.__main__")


def test_the_app_leaves_tables_figures_and_a_plot(app, tmp_path, capsys):
    results = app.run(BenchmarkSettings(output=str(tmp_path), measures=("precision",), **TINY))
    names = {"benchmark.md", "benchmark.json", "benchmark.png"}
    assert {path.name for path in tmp_path.iterdir()} == names
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert content["results"]["precision"][0]["seconds"] == results["precision"][0]["seconds"]
    assert set(results) == {"precision"}
    assert "| level |" in (tmp_path / "benchmark.md").read_text()
    assert keras.config.dtype_policy().name == "float32"
    assert "ms per WU" in capsys.readouterr().out


def test_whole_runs_and_the_race_make_a_table(app, tmp_path):
    settings = BenchmarkSettings(
        **{
            **TINY,
            "image_size": 32,
            "run_batch_sizes": (1, 2),
            "run_work_units": 64.0,
            "run_rounds": 1,
            "strategies": ("single_scale",),
            "seeds": (0,),
            "rates": (1e-3,),
            "reference_seconds": 3.0,
            "validations": 2,
            "measures": ("runs", "quality"),
            "output": str(tmp_path),
        }
    )
    results = app.run(settings)
    assert [row["name"] for row in results["summary"]] == [runs.STOCK, "single_scale"]
    stock, single = results["runs"]
    assert stock["work_units"] == single["work_units"] == 64.0
    assert stock["loss"] == pytest.approx(single["loss"], rel=1e-4)  # the same steps
    assert stock["relative"] == 1.0
    assert (tmp_path / "benchmark.md").read_text().startswith("## Strategies beside stock Keras")


def test_runs_that_would_be_refused_are_refused_before_the_first(app, tmp_path):
    settings = BenchmarkSettings(
        measures=("levels", "runs"), run_batch_sizes=(4,), output=str(tmp_path), **TINY
    )
    with pytest.raises(ValueError, match="--batch_sizes"):
        app.run(settings)
    assert not list(tmp_path.iterdir())


def test_every_measure_has_a_title(app):
    names = [name for name, _ in app.measures(BenchmarkSettings(**TINY), [])]
    assert sorted([*names, "summary"]) == sorted(report.TITLES)


def test_the_pipeline_is_measured_on_pairs_as_well(app):
    def tables(*measures):
        return [name for name, _ in app.measures(BenchmarkSettings(measures=measures, **TINY), [])]

    assert tables("pipeline") == ["pipeline", "pairs"]
    assert tables("pairs") == ["pairs"]
    assert tables("pairs", "pipeline") == ["pairs", "pipeline"]
