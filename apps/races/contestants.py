"""Who takes part in a comparison of training strategies, each as options of `Settings`."""

from __future__ import annotations

from typing import Any

from ..experiment import choices
from ..experiment.per_stage import Fitting

REFERENCE = "single_scale"

# Small batches everywhere but where the paper's are asked for; `iterations` finest first.
CONTESTANTS: dict[str, dict[str, Any]] = {
    REFERENCE: {"strategy": "single_scale"},
    "single_scale_4": {"strategy": "single_scale", "single_scale_batch": 4},
    "multiscale": {"strategy": "multiscale"},
    "full_multiscale_paper": {"strategy": "full_multiscale", "batch_sizes": (16, 32, 64, 128)},
    "full_multiscale_advised": {"strategy": "full_multiscale", "auto_levels": True},
    "adaptive": {"strategy": "adaptive"},
    "progressive": {"strategy": "progressive"},
    "progressive_resizing": {"strategy": "progressive_resizing"},  # Composer's
    # Half of the work on the coarsest level, half of the rest on the next, and so on.
    "progressive_halving": {"strategy": "progressive", "iterations": Fitting((1, 2, 8, 32))},
}

# A strategy that has no entry above takes part as it is.
_ENTERED = {options["strategy"] for options in CONTESTANTS.values()}
CONTESTANTS |= {name: {"strategy": name} for name in choices.strategies() if name not in _ENTERED}
