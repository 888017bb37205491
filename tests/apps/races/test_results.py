import math

import pytest

from apps.experiment.recording import Point
from apps.races.results import Result, as_table, median_seconds, save_plot

SOME, NONE = Point(20.0, 500.0, 0.1), None


def test_a_table_names_who_was_too_slow():
    reached = {"adaptive": [SOME, SOME, Point(30.0, 600.0, 0.1)], "progressive": [SOME, NONE, NONE]}
    table = as_table(
        "denoising, resnet", Result(Point(300.0, 9.0, 0.1), reached), dict.fromkeys(reached, 1e-3)
    )
    assert "after 300 s and 9 work units" in table
    assert "| adaptive | 0.001 | 20.0 (20.0 to 30.0) | 500 | 15.0 |" in table
    assert "| progressive | 0.001 | 1 of 3 seeds reached it |  |  |" in table


def test_a_target_that_was_given_is_nobodys():
    result = Result(Point(math.nan, math.nan, 0.25), {"adaptive": [Point(2.0, 3.0, 0.2)]})
    table = as_table("x", result, {"adaptive": 1})
    assert "0.2500 or below\n" in table
    assert "| 2.0 (2.0 to 2.0) | 3 |  |" in table


def test_who_did_not_arrive_took_for_ever():
    assert median_seconds([SOME, SOME, NONE]) == 20.0
    assert median_seconds([SOME, NONE, NONE]) == math.inf


@pytest.mark.parametrize("seconds", [math.nan, 300.0])
def test_a_plot_is_made_also_where_nobody_was_in_time(tmp_path, seconds):
    import matplotlib.pyplot as plt

    result = Result(Point(seconds, 9.0, 0.1), {"adaptive": [None, None], "progressive": [SOME]})
    save_plot({"one": result, "two": result, "three": result}, tmp_path / "plot.png")
    height, width, _ = plt.imread(tmp_path / "plot.png").shape
    assert 1.8 < width / height < 2.1  # two rows of two
