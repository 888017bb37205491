"""Coarse problems compared, in words."""

import dataclasses
import json

import keras
import numpy as np
from conftest import small_net

from keras_ms.diagnostics.coarse_problem import CoarseProblem, plain
from keras_ms.diagnostics.coarse_report import CoarseReport, sight


def coarse(**changes):
    problems = [
        CoarseProblem(1, "task", 0.5, 0.0, 0.1, 1.0, 0.25),
        CoarseProblem(1, "crop", 1.0, 0.0, 0.1, 1.0, 0.25),
    ]
    made = CoarseReport(((128, 128), (64, 64)), tuple(problems), plain(0.1, 1.0), 16, 5.0)
    return dataclasses.replace(made, **changes)


def test_what_the_network_sees_is_part_of_the_advice():
    crops = coarse().advice
    # .1 / (.1 + 1 / 64) beside .1 / (.1 + 1 / 16)
    assert "by 'crop', gain 1.41" in crops
    share = 1.0 - (54 / 64) ** 2
    assert "Your network sees 11 px: crops of 64x64 px" in crops
    assert f"where {share:.0%} of the pixels see the border" in crops
    assert "a gradient as good at 1/4 of the cost" in crops
    task = coarse(problems=coarse().problems[:1])
    assert "Your network sees 11 px: in images of 64x64 px" in task.advice
    assert "sees the whole image" in coarse(sees=np.inf).advice
    assert "is not known" in coarse(sees=None).advice
    assert coarse(sees=np.inf) == CoarseReport.of_json(
        json.loads(json.dumps(coarse(sees=np.inf).as_json()))
    )
    table = str(coarse())
    assert [line.split()[2] for line in table.splitlines() if line.endswith("<-")] == ["crop"]


def test_the_network_of_a_class_of_ones_own_sees_nobody_knows_what():
    class Subclassed(keras.Model):
        def call(self, x):
            return x

    assert sight(Subclassed()) is None
    assert sight(keras.Model(*small_net())) == 2.0
