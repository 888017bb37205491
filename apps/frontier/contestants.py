"""Who takes part in a frontier, as options of `Settings`."""

from __future__ import annotations

from collections.abc import Callable

from ..experiment.settings import Settings
from ..races import ways

ADAPTIVE_COARSENING = "auto"
"""Coarse problem of the adaptive schedule."""

DEFAULT = "default"
PLAIN_BATCHES = (1, 4, 16)
CROP_SIDES = (32, 64)
CROP_BATCH = 16


def _default(problem: Settings) -> ways.Options:
    """As the preset says; where levels are others than it has steps for, half as many on finer."""
    fits = len(problem.iterations) == len(problem.batch_sizes)
    return {} if fits else ways.staged(problem.strategy)(problem)


def _full_multiscale(problem: Settings) -> ways.Options:
    return {**ways.full_multiscale(problem), "auto_levels": True}


def _progressive_resizing(problem: Settings) -> ways.Options:
    """The batches that coarse to fine ends with."""
    batch = problem.batch_sizes[0]
    return {"strategy": "progressive_resizing", "single_scale_batch": batch}


CONTESTANTS: dict[str, Callable[[Settings], ways.Options]] = {
    DEFAULT: _default,
    **{f"plain_{batch}": ways.plain(batch) for batch in PLAIN_BATCHES},
    **{f"crops_{side}": ways.crops(CROP_BATCH, side) for side in CROP_SIDES},
    "grown_crops": ways.grown_crops,
    "coarse_to_fine": ways.coarse_to_fine,
    "full_multiscale": _full_multiscale,
    "adaptive": ways.staged("adaptive", coarsening=ADAPTIVE_COARSENING),
    "progressive_resizing": _progressive_resizing,
}
"""Options of each, as functions of the problem's, which are its preset's."""

PLAIN = tuple(f"plain_{batch}" for batch in PLAIN_BATCHES)

WHAT_THEY_ARE = {
    DEFAULT: "what `apps.train` does by default",
    **{
        f"plain_{batch}": f"plain training on the finest mesh, batches of {batch}"
        for batch in PLAIN_BATCHES
    },
    **{
        f"crops_{side}": f"plain training on crops of {side} px, batches of {CROP_BATCH}"
        for side in CROP_SIDES
    },
    **ways.WHAT_THEY_ARE,
    "full_multiscale": "the same with the telescoping sum, batches and control weights as "
    "measured gradients advise them",
    "adaptive": f"{ways.WHAT_THEY_ARE['adaptive']}, coarsening `{ADAPTIVE_COARSENING}`",
    "progressive_resizing": "Composer's: finished pairs are resized, from half of their sides on",
}
