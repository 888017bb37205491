"""Who takes part in a comparison: the paper's strategies, two ways of ours, and two baselines."""

from __future__ import annotations

from typing import NamedTuple

from ..experiment import presets
from ..experiment.settings import Settings
from .scales import Options

REFERENCE, FULL = "single_scale", "full_multiscale"
SINGLE_SCALE: Options = {"strategy": "single_scale"}
FULL_MULTISCALE: Options = {"strategy": "full_multiscale"}
PLAIN = "plain_batch"
"""In the place of `single_scale_batch`: that of plain training."""


class Contestant(NamedTuple):
    """A way to train.

    Attributes:
        label: What tables call it.
        options: Of `apps.train`, beside the preset's.
        equal: What it may spend as much of as Full-Multiscale: `"work_units"`, `"seconds"`, or `""`
            for its own budget.
    """

    label: str
    options: Options
    equal: str = ""


def _ours() -> Options:
    """What the library does if nothing is asked for: its strategy, its coarse problem."""
    usual = presets.PRESETS["quick"]["common"]["strategy"]
    return {"strategy": usual, "coarsening": Settings.coarsening}


PLAIN_WAY: Options = {**SINGLE_SCALE, "single_scale_batch": PLAIN}

CONTESTANTS = {
    REFERENCE: Contestant("single-scale", SINGLE_SCALE),
    "multiscale": Contestant("multiscale", {"strategy": "multiscale"}),
    FULL: Contestant("full-multiscale, coarsened", FULL_MULTISCALE),
    "full_crops": Contestant("full-multiscale, crops", {**FULL_MULTISCALE, "coarsening": "crop"}),
    "full_both": Contestant(
        "full-multiscale, coarsened and cropped",
        {**FULL_MULTISCALE, "coarsening": "coarsen_and_crop"},
    ),
    "full_task": Contestant(
        "full-multiscale, task-consistent (ours)", {**FULL_MULTISCALE, "coarsening": "task"}
    ),
    "ours": Contestant("coarse to fine, the default strategy (ours)", _ours(), "work_units"),
    "single_work": Contestant("single-scale, equal work", SINGLE_SCALE, "work_units"),
    "single_seconds": Contestant("single-scale, equal seconds", SINGLE_SCALE, "seconds"),
    "plain_work": Contestant("plain batch, equal work", PLAIN_WAY, "work_units"),
    "plain_seconds": Contestant("plain batch, equal seconds", PLAIN_WAY, "seconds"),
}

BASELINES = ("single_work", "single_seconds", "plain_work", "plain_seconds")
OURS = ("full_task", "ours")
OF_TABLE_2 = (REFERENCE, "multiscale", FULL, "full_crops", "full_both")
OF_TABLE_3 = (REFERENCE, "multiscale", FULL)
