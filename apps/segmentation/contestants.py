"""Who takes part in a race on masks, as options of `Settings`."""

from __future__ import annotations

from ..races import ways

CONTESTANTS: dict[str, ways.Way] = {
    "plain_1": ways.plain(1),
    "plain_2": ways.plain(2),
    "plain_4": ways.plain(4),
    "small_crops": ways.quarter_crops,
    "grown_crops": ways.grown_crops,
    "coarse_to_fine": ways.coarse_to_fine,
    "full_multiscale": ways.full_multiscale,
    "adaptive": ways.adaptive,
}
"""Options of each, as functions of the race's."""

WHAT_THEY_ARE = {
    "plain_1": "plain training on the finest mesh, batches of 1",
    "plain_2": "the same, batches of 2",
    "plain_4": "the same, batches of 4",
    "small_crops": "plain training on crops of a quarter of the area, four times as many as "
    "there are in a batch on the finest mesh",
    **ways.WHAT_THEY_ARE,
}
