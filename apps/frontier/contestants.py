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
"""Options of each that takes part if nothing is said, as functions of the problem's."""


def _one_fine(strategy: str) -> Callable[[Settings], ways.Options]:
    """One image a step on the finest mesh, as if memory had room for no more."""

    def made(problem: Settings) -> ways.Options:
        sizes = tuple(4**level for level in range(len(problem.batch_sizes)))
        return {**ways.staged(strategy)(problem), "batch_sizes": sizes}

    return made


def _kept(way: Callable[[Settings], ways.Options]) -> Callable[[Settings], ways.Options]:
    """Terms are kept for twice as many steps on each finer level."""

    def made(problem: Settings) -> ways.Options:
        levels = range(len(problem.batch_sizes))
        return {**way(problem), "refresh": tuple(2**level for level in reversed(levels))}

    return made


COARSE_PROBLEMS: dict[str, Callable[[Settings], ways.Options]] = {
    "grown_both": ways.staged("progressive", coarsening="coarsen_and_crop"),
    "grown_auto": ways.staged("progressive", coarsening="auto"),
}
"""Two more, by name: with these, `coarse_to_fine` and `grown_crops` the choice of the coarse
problem is raced."""

SUMS: dict[str, Callable[[Settings], ways.Options]] = {
    "one_fine": _one_fine("progressive"),
    "one_fine_sum": _one_fine("full_multiscale"),
    "one_fine_kept": _kept(_one_fine("full_multiscale")),
    "kept_sum": _kept(ways.full_multiscale),
}
"""More, by name, to search where the telescoping sum pays; `one_fine` is their rival without it."""

MORE = {**COARSE_PROBLEMS, **SUMS}
"""What takes part by name alone."""

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
    "grown_both": "a stage a level, coarse images and their crops in alternation",
    "grown_auto": "a stage a level, the coarse problem of each chosen by measured gradients",
    "one_fine": "a stage a level, coarse images of the same view, batches of 1, 4, 16, ...",
    "one_fine_sum": "the same with the telescoping sum",
    "one_fine_kept": "the same, terms kept for 1, 2, 4, ... steps, coarsest first",
    "kept_sum": "the telescoping sum, terms kept for 1, 2, 4, ... steps, coarsest first",
    "progressive_resizing": "Composer's: finished pairs are resized, from half of their sides on",
}
