import dataclasses
import importlib
import json
import math
import types

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from apps.benchmark import memory, pipeline, report, rivals, runs, stages, steps, torch_loop
from apps.benchmark.flops import convolution_flops
from apps.benchmark.settings import BenchmarkSettings, batch_sizes
from apps.experiment import timing
from apps.experiment.timing import Timed

TINY = {
    "width": 4,
    "image_size": 16,
    "batch_sizes": (2, 4),
    "sizes": (16, 32),
    "depths": (1, 2),
    "rounds": 2,
    "seconds_per_round": 0.01,
    "stage_steps": 2,
    "limit": 3,
}


@pytest.fixture
def settings():
    return BenchmarkSettings(**TINY)


def test_calls_are_taken_in_turn(monkeypatch):
    now, calls = [0.0], []
    clock = types.SimpleNamespace(perf_counter=lambda: now[0])
    monkeypatch.setattr(timing, "time", clock)

    def step(name, seconds):
        calls.append(name)
        now[0] += seconds

    timed = timing.interleaved(
        {"fast": lambda: step("fast", 0.25), "slow": lambda: step("slow", 1.0)}, 3, 1.0
    )
    assert timed["fast"].rounds == (0.25,) * 3
    assert timed["slow"].median == 1.0
    assert timing.ratio(timed["slow"], timed["fast"]) == 4.0
    warm_up = [*["fast"] * 3, *["slow"] * 3]
    assert calls == [*warm_up, *([*["fast"] * 4, "slow"] * 3)]


def test_steps_really_train_on_the_batch_in_memory(settings):
    model = steps.make_model(dataclasses.replace(settings, learning_rate=1e-2))
    data = keras_ms.MultiscaleDataset(small_images(), keras_ms.tasks.Denoising(), (2, 4), 16, 1)
    step = timing.training_step(model, timing.kept_in_memory(data.stage(0)))
    for _ in range(3):
        logs = step()
    assert np.isfinite(logs["loss"])
    assert int(model.optimizer.iterations) == 3


def test_batches_have_as_many_pixels_on_every_image_size(settings):
    settings = dataclasses.replace(settings, batch_sizes=(16, 32), image_size=128, sizes=(64,))
    assert batch_sizes(settings, 128, 3) == (16, 32, 64)
    assert batch_sizes(settings, 64, 2) == (16, 32)  # no larger than they are meant to be
    assert batch_sizes(settings, 256, 2) == (4, 8)
    assert batch_sizes(settings, 2048, 2) == (1, 2)


def test_convolutions_are_counted():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(8, 3, padding="same")(inputs)
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1)(hidden))
    multiply_adds = 16 * 16 * (9 * 3 * 8 + 8 * 3)
    # Forward, backward to the kernels and to the inputs.
    assert convolution_flops(model, (16, 16)) == 3 * 2 * multiply_adds


def test_what_is_added_comes_with_its_error():
    row = pipeline.added(np.array([1.02, 1.06, 1.04]))
    assert row["added"] == pytest.approx(0.04)
    assert row["added_error"] == pytest.approx(np.sqrt(np.pi / 2.0) * 0.02 / np.sqrt(3.0))
    assert np.isnan(pipeline.added(np.array([1.02]))["added_error"])


def test_every_table_has_its_rows(settings):
    images = small_images()
    levels = steps.by_level(settings, images)
    assert [(row["mesh"], row["batch"]) for row in levels] == [(16, 2), (8, 4)]
    assert levels[1]["seconds_per_work_unit"] == pytest.approx(levels[1]["seconds"] / 1.0)
    depths = steps.by_depth(settings, images)
    assert [(row["size"], row["levels"]) for row in depths] == [(16, 1), (16, 2), (32, 1), (32, 2)]
    assert [row["efficiency"] for row in depths if row["levels"] == 1] == [1.0, 1.0]
    fed = pipeline.share(settings, images)
    assert [row["batches"] for row in fed] == [(2, 4), (2,), (4,)]
    assert all(row["fed"] > 0.0 and np.isfinite(row["added"]) for row in fed)
    started = stages.starts(settings, images)
    assert [row["steps"] for row in started] == [4, 2]
    fits = rivals.fits(settings, images)
    assert [row["name"] for row in fits] == ["stock Keras fit", "single_scale", "multiscale"]
    assert fits[0]["relative"] == 1.0
    for rows in (levels, depths, fed, started, fits):
        assert report.as_table(rows).count("\n") == len(rows) + 2


def test_memory_is_that_of_a_process_of_its_own(settings):
    rows = memory.peaks(dataclasses.replace(settings, batch_sizes=(2, 4), image_size=32))
    assert [row["batches"] for row in rows] == [(2, 4), (2,), (4,)]
    assert all(row["peak"] > row["of_steps"] >= 0.0 for row in rows)


def test_the_app_leaves_tables_figures_and_a_plot(tmp_path, capsys):
    app = importlib.import_module("apps.benchmark.__main__")
    results = app.run(
        BenchmarkSettings(output=str(tmp_path), measures=("levels", "precision", "depths"), **TINY)
    )
    assert {path.name for path in tmp_path.iterdir()} == {
        "benchmark.md",
        "benchmark.json",
        "benchmark.png",
    }
    content = json.loads((tmp_path / "benchmark.json").read_text())
    assert content["results"]["levels"][0]["seconds"] == results["levels"][0]["seconds"]
    assert set(results) == {"levels", "precision", "depths"}
    assert "| level |" in (tmp_path / "benchmark.md").read_text()
    assert keras.config.dtype_policy().name == "float32"
    assert "ms per WU" in capsys.readouterr().out


def test_whole_runs_and_the_race_make_a_table(tmp_path, capsys):
    app = importlib.import_module("apps.benchmark.__main__")
    settings = BenchmarkSettings(
        **{
            **TINY,
            "image_size": 64,
            "run_batch_sizes": (1, 2, 3, 4),
            "run_work_units": 64.0,
            "run_rounds": 1,
            "strategies": ("single_scale", "adaptive"),
            "seeds": (0,),
            "rates": (1e-3,),
            "budgets": (3.0,),
            "reference_seconds": 2.0,
            "validations": 2,
            "measures": ("runs", "quality"),
            "output": str(tmp_path),
        }
    )
    results = app.run(settings)
    names = [runs.STOCK, "single_scale", "adaptive"]
    assert [row["name"] for row in results["summary"]] == names
    stock, single, adaptive = results["runs"]
    assert stock["work_units"] == single["work_units"] == 64.0
    assert stock["loss"] == pytest.approx(single["loss"], rel=1e-4)  # the same steps
    assert adaptive["work_units"] <= 64.0 + 4.0 * 25
    assert stock["relative"] == 1.0
    assert results["quality"][0]["times_faster"] == 1.0
    assert (tmp_path / "benchmark.md").read_text().startswith("## Strategies beside stock Keras")


def test_ratios_are_those_of_the_same_round():
    timed = {"a": Timed((1.0, 2.0, 4.0)), "b": Timed((1.0, 1.0, 1.0))}
    rows = rivals._beside("b", timed, {"a": 4.0, "b": 1.0})
    assert rows[0]["seconds_per_work_unit"] == 0.5
    assert [row["relative"] for row in rows] == [0.5, 1.0]
    run = runs.Run(10.0, 5.0, 0.5, 100.0)
    row = runs._row("a", [run, run._replace(seconds=20.0)], [run, run])
    assert (row["whole"], row["seconds_per_work_unit"], row["relative"]) == (15.0, 3.0, 1.5)
    assert runs._quality("a", 1e-3, 10.0, 300.0)["times_faster"] == 30.0
    shown = report.as_table([runs._quality("a", 1e-3, math.inf, 300.0)])
    assert "| a | 0.001 | not in time | - |" in shown


def test_efficiency_is_promised_over_measured_time():
    class Costing:
        def __init__(self, units):
            self.units = units

        def work_units(self):
            return self.units

        def batch_sizes(self):
            return ()

    timed = {"1": Timed((1.0, 2.0)), "2": Timed((2.0, 4.0))}
    row = steps._row(64, 2, {1: Costing(4.0), 2: Costing(7.0)}, timed)
    assert row["efficiency"] == 7.0 / 4.0 / 2.0


def test_runs_that_would_be_refused_are_refused_before_the_first(tmp_path):
    app = importlib.import_module("apps.benchmark.__main__")
    settings = BenchmarkSettings(
        measures=("levels", "runs"), run_batch_sizes=(4,), output=str(tmp_path), **TINY
    )
    with pytest.raises(ValueError, match="--batch_sizes"):
        app.run(settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [{"conditional": True}, {"network": "espcn", "width": None}])
def test_no_pytorch_loop_for_what_is_not_written_there(settings, options, capsys):
    assert not torch_loop.available(dataclasses.replace(settings, **options))
    assert "No PyTorch loop is written for these: --" in capsys.readouterr().out


def one_batch():
    task = keras_ms.tasks.Denoising()
    return next(iter(keras_ms.MultiscaleDataset(small_images(), task, (2, 4), 16, 1).stage(0)))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the extra `benchmark`")
def test_the_pytorch_loop_takes_the_same_step():
    import torch

    batch, network = one_batch(), torch_loop._resnet(4, 2)
    ours = keras_ms.networks.ResNet(width=4)
    model = keras_ms.MultiscaleModel(ours.input, ours.output)
    model.compile(keras.optimizers.SGD(1.0), "mse")
    channels_first = [
        np.transpose(w, (3, 2, 0, 1)) if w.ndim == 4 else w for w in model.get_weights()
    ]
    for theirs, weight in zip(network.parameters(), channels_first, strict=True):
        theirs.data = torch.tensor(np.array(weight))
    terms = [
        [tuple(map(torch.tensor, torch_loop._arrays(side))) for side in sides]
        for sides in zip(batch.fine, batch.coarse, strict=True)
    ]
    torch_loop._step(network, torch.optim.SGD(network.parameters(), lr=1.0), terms)
    model.train_step(batch)
    for theirs, weight in zip(network.parameters(), model.get_weights(), strict=True):
        moved = theirs.detach().numpy()
        moved = np.transpose(moved, (2, 3, 1, 0)) if moved.ndim == 4 else moved
        np.testing.assert_allclose(moved, weight, rtol=1e-3, atol=1e-5)


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the extra `benchmark`")
def test_the_pytorch_worker_trains():
    with torch_loop.Worker(4, 2) as worker:
        step = worker.step(one_batch())
        first = step()
        assert np.isfinite(first)
        assert step() != first


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": ("luck",)}, "Received: luck"),
        ({"measures": ()}, "--measures"),
        ({"sizes": (20,), "depths": (4,)}, "--sizes"),
        ({"sizes": (16,), "depths": (4,)}, "--sizes"),
        ({"sizes": ()}, "--sizes"),
        ({"depths": (0,)}, "--depths"),
        ({"rounds": 0}, "--rounds"),
        ({"seconds_per_round": 0.0}, "--seconds_per_round"),
        ({"stage_steps": 3}, "--stage_steps"),
        ({"run_work_units": 1.0}, "--run_work_units"),
        ({"run_rounds": 0}, "--run_rounds"),
        ({"loss": "ssim"}, "--loss=ssim"),
        ({"target": 0.0}, "--target"),
        ({"rates": (float("inf"),)}, "--rates"),
        ({"seeds": (1, 1)}, "--seeds"),
    ],
)
def test_senseless_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BenchmarkSettings(**{**TINY, **options})


def test_every_measure_is_known():
    app = importlib.import_module("apps.benchmark.__main__")
    names = [name for name, _ in app._measures(BenchmarkSettings(**TINY), [])]
    assert sorted([*names, "summary"]) == sorted(report.TITLES)
