"""`apps.experiment.precision`: what is asked for, or what is faster here."""

import keras
import numpy as np
import pytest

from apps.experiment import precision
from apps.experiment.problem import Problem
from apps.experiment.timing import Timed

TINY = {"width": 4, "image_size": 16, "batch_sizes": (2, 4)}


@pytest.fixture(autouse=True)
def _policy_of_before():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


def test_what_is_asked_for_is_not_measured(monkeypatch):
    monkeypatch.setattr(precision, "interleaved", None)
    assert precision.set_policy(Problem(dtype_policy="mixed_bfloat16")) == "mixed_bfloat16"
    assert keras.config.dtype_policy().name == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("seconds", "chosen"), [(0.5, "mixed_bfloat16"), (0.95, "float32"), (2.0, "float32")]
)
def test_the_faster_is_taken_where_it_pays(monkeypatch, capsys, seconds, chosen):
    def timed(steps, rounds, seconds_per_round):
        steps_made.append(steps)
        return {"float32": Timed((1.0,)), "mixed_bfloat16": Timed((seconds,))}

    steps_made = []
    monkeypatch.setattr(precision, "interleaved", timed)
    assert precision.set_policy(Problem(dtype_policy="auto", **TINY)) == chosen
    if chosen == "mixed_bfloat16":
        assert all(np.isfinite(step()["loss"]) for step in steps_made[0].values())  # both train
    assert keras.config.dtype_policy().name == chosen
    assert f"{seconds:.2f} of one in float32" in capsys.readouterr().out
