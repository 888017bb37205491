"""Every table of `apps.benchmark` has its rows, at a tiny size and on times that are given."""

import math

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from apps.benchmark import executions, memory, pairs, pipeline, report, rivals, runs, stages, steps
from apps.benchmark.flops import convolution_flops
from apps.benchmark.settings import BenchmarkSettings
from apps.experiment.timing import Timed

TINY = {
    "width": 4,
    "image_size": 16,
    "batch_sizes": (2, 4),
    "sizes": (8, 16),
    "depths": (1, 2),
    "rounds": 2,
    "seconds_per_round": 0.01,
    "stage_steps": 2,
    "limit": 3,
}


@pytest.fixture
def settings():
    return BenchmarkSettings(**TINY)


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


def as_many_lines_as(rows):
    return report.as_table(rows).count("\n") == len(rows) + 2


def test_levels(settings):
    rows = steps.by_level(settings, small_images())
    assert [(row["mesh"], row["batch"]) for row in rows] == [(16, 2), (8, 4)]
    assert rows[1]["seconds_per_work_unit"] == pytest.approx(rows[1]["seconds"] / 1.0)
    assert as_many_lines_as(rows)


def test_depths(settings):
    rows = steps.by_depth(settings, small_images())
    # 8 px are too few for the coarsest of several levels.
    assert [(row["size"], row["levels"]) for row in rows] == [(8, 1), (16, 1), (16, 2)]
    assert [row["efficiency"] for row in rows if row["levels"] == 1] == [1.0, 1.0]
    assert as_many_lines_as(rows)


def test_pipeline(settings):
    rows = pipeline.share(settings, small_images())
    assert [row["batches"] for row in rows] == [(2, 4), (2,), (4,)]
    assert all(row["fed"] > 0.0 and np.isfinite(row["added"]) for row in rows)
    assert as_many_lines_as(rows)


def one_convolution(width):
    image = keras.Input((None, None, 3))
    model = keras_ms.MultiscaleModel(image, keras.layers.Conv2D(pairs.CLASSES, 1)(image))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def test_pairs_from_files(monkeypatch):
    monkeypatch.setattr(pairs, "make_segmenter", one_convolution)  # five times as fast to trace
    settings = BenchmarkSettings(**{**TINY, "pair_batch_sizes": (1, 2)})
    rows = pairs.share(settings, small_images(), sides=(48, 32), number=3)
    assert [row["stage"] for row in rows] == ["48x32 px", "48x32 px", "24x16 px"]
    assert [row["batches"] for row in rows] == [(1, 2), (1,), (2,)]
    assert all(row["fed"] > 0.0 and np.isfinite(row["added"]) for row in rows)
    assert as_many_lines_as(rows)


def test_pairs_are_photographs_and_class_maps_of_them(tmp_path):
    pairs.write_pairs(tmp_path, small_images(), (48, 32), 5)
    read = list(pairs.read_pairs(tmp_path))
    assert len(read) == 5
    for photo, classes in read:
        assert (photo.shape, classes.shape) == ((48, 32, 3), (48, 32))
        assert photo.dtype == "float32"
        assert set(np.unique(classes)) == set(range(pairs.CLASSES))
        grey = photo.mean(axis=-1)
        means = [grey[classes == k].mean() for k in (0, pairs.CLASSES - 1)]
        assert means[0] < means[1]  # regions are those of the photograph


def test_the_network_of_pairs_tells_a_class_per_pixel():
    model = pairs.make_segmenter(2)
    assert model.output_shape == (None, None, None, pairs.CLASSES)


def test_stages(settings):
    rows = stages.starts(settings, small_images())
    assert [row["steps"] for row in rows] == [4, 2]
    assert as_many_lines_as(rows)


def linear(settings):
    image = keras.Input((None, None, 3))
    model = keras_ms.MultiscaleModel(image, keras.layers.Conv2D(3, 1)(image))
    model.compile("sgd", "mse")
    return model


def test_executions(settings, monkeypatch):
    monkeypatch.setattr("keras_ms.training.pace.LONGEST", 60.0)
    monkeypatch.setattr(executions, "make_model", linear)
    rows = executions.gains(settings, small_images(), steps=3)
    assert [(row["mesh"], row["batch"]) for row in rows] == [(16, 2), (8, 4)]
    assert all(row["at_once"] in (1, 3) and row["grouped"] > 0.0 for row in rows)
    assert as_many_lines_as(rows)


def test_fits(settings):
    rows = rivals.fits(settings, small_images())
    assert [row["name"] for row in rows] == ["stock Keras fit", "single_scale", "multiscale"]
    assert rows[0]["relative"] == 1.0
    assert as_many_lines_as(rows)


def test_memory_is_that_of_a_process_of_its_own():
    options = {**TINY, "batch_sizes": (2,), "sizes": (16,), "depths": (1,)}
    rows = memory.peaks(BenchmarkSettings(**options))
    assert [row["batches"] for row in rows] == [(2,), (2,)]  # the sum of one level, and the level
    assert all(row["peak"] > row["of_steps"] >= 0.0 for row in rows)


def test_ratios_are_those_of_the_same_round():
    timed = {"a": Timed((1.0, 2.0, 4.0)), "b": Timed((1.0, 1.0, 1.0))}
    rows = rivals.beside("b", timed, {"a": 4.0, "b": 1.0})
    assert rows[0]["seconds_per_work_unit"] == 0.5
    assert [row["relative"] for row in rows] == [0.5, 1.0]


def test_the_price_of_a_work_unit_is_without_starting_up():
    run = runs.Run(10.0, 5.0, 0.5, 2.0, 1.0, 100.0)
    row = runs.row_of("a", [run, run._replace(seconds=18.0)], [run, run])
    assert (row["whole"], row["start"]) == (14.0, 2.0)
    assert (row["seconds_per_work_unit"], row["relative"]) == (3.0, 1.5)  # of 2 and 4, 1 and 2


def test_who_was_not_in_time_is_no_times_faster():
    assert runs.quality_of("a", 1e-3, 10.0, 300.0)["times_faster"] == 30.0
    shown = report.as_table([runs.quality_of("a", 1e-3, math.inf, 300.0)])
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
    row = steps.row_of(64, 2, {1: Costing(4.0), 2: Costing(7.0)}, timed)
    assert row["efficiency"] == 7.0 / 4.0 / 2.0
