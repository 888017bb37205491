"""A few random configurations, always the same; `python -m tests.fuzz` tries as many as asked."""

import fuzzing
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

FEW = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@FEW
@given(fuzzing.configurations())
def test_random_configurations_train_or_are_refused_by_name(made):
    assert fuzzing.fault_of(made) == ""


USUAL = {
    **{"count": 3, "side": 32, "channels": 3, "dtype": "float32", "bad": None, "source": "arrays"},
    **{"network": "same", "loss": "mse", "policy": "float32", "learning_rate": 1e-3},
    **{"schedule": None, "run_eagerly": True, "loss_weights": None, "fit": None},
    **{"levels": (1, 2), "image_size": 32, "steps_per_epoch": 1, "coarsening": "task"},
    **{"restriction": "average", "flip": None, "telescoping": True, "control_weights": None},
    **{"refresh": None, "seed": 0, "prefetch": 0, "cache_bytes": 2**30, "max_bad_fraction": 0.25},
    **{"target": "image", "weight": None, "rotate": False},
}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"flip": "yes"}, "flip='yes'"),
        ({"target": "number"}, r"y of shape \(1,\), an output of shape \(None, None, None, 3\)"),
        ({"network": "two"}, r"2 outputs .*, 1 targets \(y\)"),
        ({"learning_rate": float("nan")}, "learning_rate=nan"),
        ({"learning_rate": lambda: float("nan")}, "learning_rate=nan"),
        ({"schedule": "adaptive_nan"}, "learning_rate=.*gives nan where 0% of the budget"),
        ({"levels": (10**7, 10**7)}, r"batch_sizes=\(10000000, 10000000\).*`levels`"),
        ({"telescoping": "no"}, "telescoping='no'"),
        ({"loss_weights": [float("nan")]}, "loss_weights="),
        ({"fit": {"validation_freq": 0}}, "validation_freq=0"),
        ({"seed": 2**40}, "seed=1099511627776"),
    ],
)
def test_known_misuse_is_refused_by_name(options, named):
    with pytest.raises(ValueError, match=rf"Received: .*{named}"):
        fuzzing.train({**USUAL, **options})


def test_what_the_misuse_deviates_from_trains():
    assert fuzzing.fault_of({**USUAL, "weight": "number"}) == ""


def test_errors_of_other_kinds_are_faults():
    assert fuzzing.fault_of({**USUAL, "count": np.zeros(2)}).startswith("TypeError")
