"""Ways to train that take part in several races, as options of `Settings`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..experiment.problem import Problem

Options = dict[str, Any]
Way = Callable[[Problem], Options]
"""Options of a contestant, as a function of the problem's."""

# Of the coarsest level's steps; they halve with each finer level, as its cost doubles.
COARSEST_STEPS = 1000


def plain(batch: int) -> Way:
    """Plain training on the finest mesh."""
    return lambda problem: {"strategy": "single_scale", "single_scale_batch": batch}


def crops(batch: int, side: int) -> Way:
    """Plain training on crops of the finest mesh, of so many pixels a side."""
    return lambda problem: {**plain(batch)(problem), "image_size": side}


def quarter_crops(problem: Problem) -> Options:
    """Crops of a quarter of the area, so four times as many for the same pixels."""
    return crops(4 * problem.batch_sizes[0], problem.image_size // 2)(problem)


def staged(strategy: str, **more: Any) -> Way:
    """A stage a level, with half as many steps on each finer one."""

    def made(problem: Problem) -> Options:
        levels = range(len(problem.batch_sizes))
        steps = tuple(max(1, COARSEST_STEPS >> level) for level in reversed(levels))
        # Which goes with degrade_first alone, so not with a coarsening of its own.
        usual = {"restriction": "average"} if "coarsening" in more else {}
        return {"strategy": strategy, "iterations": steps, **usual, **more}

    return made


grown_crops = staged("progressive", coarsening="crop")
coarse_to_fine = staged("progressive")
full_multiscale = staged("full_multiscale")
adaptive = staged("adaptive")

WHAT_THEY_ARE = {
    "grown_crops": "a stage a level, of crops that grow (pixels as they are)",
    "coarse_to_fine": "a stage a level, of coarse images of the same view (`progressive`)",
    "full_multiscale": "the same with the telescoping sum",
    "adaptive": "`AdaptiveSchedule`, which goes on by budget and validation",
}
