"""What a race for equal budgets can be told."""

from __future__ import annotations

import dataclasses

from ..experiment.options import check_counts, option
from ..experiment.problem import TRAINING
from .settings import RACE, TrialOptions


@dataclasses.dataclass(frozen=True)
class EqualOptions(TrialOptions):
    """Options of every app whose contestants have equal budgets, one flag each."""

    dtype_policy: str = option(
        "float32", "Keras dtype policy, such as mixed_bfloat16.", theme=TRAINING
    )
    trial_seconds: float = option(
        30.0,
        "Training time of a trial of a learning rate, on four fifths of what there is to train on; "
        "the other fifth judges it.",
        theme=RACE,
    )
    validations: int = option(6, "Validations of a run, for its curve.", theme=RACE)
    curve_pairs: int = option(
        16,
        "About how many pairs to validate on for curves and trials, spread evenly; all judge the "
        "end.",
        theme=RACE,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(self, "curve_pairs")
        if self.dtype_policy == "auto":
            raise ValueError(
                "All runs of a race have one precision. Received: --dtype_policy=auto. Use "
                "float32 or mixed_bfloat16."
            )
