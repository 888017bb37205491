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
    options: SegmentationSettings, network: str, name: str, trial: bool = False, **special: Any
) -> Settings:
    """What `apps.train` would be told for one run.

    Args:
        options: Of the race.
        network: Name of the network.
        name: The contestant, one of `CONTESTANTS`.
        trial: Whether it only tries a learning rate, which the pairs to validate on stay out of.
        **special: Seed and learning rate of the run, and other options.
    """
    of_app = {field.name for field in options_of(options)}
    shared = {f.name: getattr(options, f.name) for f in options_of(Problem) if f.name in of_app}
    own: dict[str, Any] = {
        "network": network,
        "refresh_statistics": True,
        "validation_samples": ALL,
    }
    own |= {"seconds": options.seconds, "validations": options.validations}
    if trial:
        own |= {"seconds": options.trial_seconds, "validations": 1}
        own |= {"val_data_dir": None, "val_target_dir": None}
    of_network = NETWORKS.get(network, {})
    return Settings(**{**shared, **own, **of_network, **CONTESTANTS[name](options), **special})
