"""Who takes part in a race on masks, and in which networks, as options of `Settings`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..experiment.problem import Problem

Options = dict[str, Any]

# Of the coarsest level's steps; they halve with each finer level, as its cost doubles.
COARSEST_STEPS = 1000

# Statistics by group are others on crops than on whole pictures, yet by pixel a U-Net hardly learns
# masks: a cross-entropy of 1.87 on whole CamVid pictures after 160 steps, against 1.39.
_BY_GROUP: Options = {"normalization": "group", "dropout": 0.0}

NETWORKS: dict[str, Options] = {
    "unet": {"width": 16, "multipliers": (1, 2, 4, 8), **_BY_GROUP},
    "unet5": {"width": 8, **_BY_GROUP},
    "resnet": {"width": 32},
    "resnet18_encoder": {"width": 16},
    "resnet50_encoder": {"width": 16},
    "mobilenet_v2_encoder": {"width": 16},
}
"""Options of networks; others have their own defaults."""


def _plain(batch: int) -> Callable[[Problem], Options]:
    return lambda options: {"strategy": "single_scale", "single_scale_batch": batch}


def _small_crops(options: Problem) -> Options:
    """A quarter of the area, so four times as many for the same pixels."""
    batch = 4 * options.batch_sizes[0]
    return {**_plain(batch)(options), "image_size": options.image_size // 2}


def _staged(strategy: str, **more: Any) -> Callable[[Problem], Options]:
    def made(options: Problem) -> Options:
        levels = range(len(options.batch_sizes))
        steps = tuple(max(1, COARSEST_STEPS >> level) for level in reversed(levels))
        return {"strategy": strategy, "iterations": steps, **more}

    return made


CONTESTANTS: dict[str, Callable[[Problem], Options]] = {
    "plain_1": _plain(1),
    "plain_2": _plain(2),
    "plain_4": _plain(4),
    "small_crops": _small_crops,
    "grown_crops": _staged("progressive", coarsening="crop"),
    "coarse_to_fine": _staged("progressive"),
    "full_multiscale": _staged("full_multiscale"),
    "adaptive": _staged("adaptive"),
}
"""Options of each, as functions of the race's."""

WHAT_THEY_ARE = {
    "plain_1": "plain training on the finest mesh, batches of 1",
    "plain_2": "the same, batches of 2",
    "plain_4": "the same, batches of 4",
    "small_crops": "plain training on crops of a quarter of the area, four times as many as "
    "there are in a batch on the finest mesh",
    "grown_crops": "a stage a level, of crops that grow (pixels as they are)",
    "coarse_to_fine": "a stage a level, of coarse images of the same view (`progressive`)",
    "full_multiscale": "the same with the telescoping sum",
    "adaptive": "`AdaptiveSchedule`, which goes on by budget and validation",
}
