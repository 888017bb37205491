"""One run of a race on masks, as options of `Settings`."""

from __future__ import annotations

import sys
from typing import Any

from ..experiment.options import options_of
from ..experiment.problem import Problem
from ..experiment.settings import Settings
from .contestants import CONTESTANTS, NETWORKS
from .settings import SegmentationSettings

ALL = sys.maxsize


def settings_of(
    options: SegmentationSettings,
    network: str,
    name: str,
    trial_seconds: float | None = None,
    **special: Any,
) -> Settings:
    """What `apps.train` would be told for one run.

    Args:
        options: Of the race.
        network: Name of the network.
        name: The contestant, one of `CONTESTANTS`.
        trial_seconds: Length of a trial of a learning rate, which the pairs to validate on stay
            out of; `None` for a run of the race.
        **special: Seed and learning rate of the run.
    """
    of_app = {field.name for field in options_of(options)}
    shared = {f.name: getattr(options, f.name) for f in options_of(Problem) if f.name in of_app}
    own: dict[str, Any] = {"network": network, "refresh_statistics": True}
    own |= {"validation_samples": ALL, "validations": options.validations}
    if trial_seconds is not None:
        own |= {"validations": 1, "val_data_dir": None, "val_target_dir": None}
    of_name = CONTESTANTS[name](options)
    own |= _budget(options, trial_seconds or options.seconds, of_name.get("image_size"))
    return Settings(**{**shared, **own, **NETWORKS.get(network, {}), **of_name, **special})


def _budget(
    options: SegmentationSettings, seconds: float, image_size: int | None
) -> dict[str, float]:
    if options.work_units is None:
        return {"seconds": seconds}
    work_units = options.work_units * seconds / options.seconds
    return {"work_units": work_units / share_of_mesh(options, image_size or options.image_size)}


def share_of_mesh(options: SegmentationSettings, image_size: int) -> float:
    """Work units of the race per work unit of a run, whose crops may be smaller."""
    return (image_size / options.image_size) ** 2
