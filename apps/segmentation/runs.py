"""One run of a race on masks, as options of `Settings`."""

from __future__ import annotations

from typing import Any

from ..experiment.options import options_of
from ..experiment.problem import Problem
from ..experiment.settings import Settings
from ..races import on_masks
from ..races.held_out import ALL
from ..races.running import share_of_mesh
from .contestants import CONTESTANTS
from .settings import SegmentationSettings


def settings_of(
    options: SegmentationSettings,
    network: str,
    name: str | None,
    trial_seconds: float | None = None,
    **special: Any,
) -> Settings:
    """What `apps.train` would be told for one run.

    Args:
        options: Of the race.
        network: Name of the network.
        name: The contestant, one of `CONTESTANTS`; `None` for what is common to all.
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
    of_name = {} if name is None else CONTESTANTS[name](options)
    own |= _budget(options, trial_seconds or options.seconds, of_name.get("image_size"))
    return Settings(**{**shared, **own, **on_masks.NETWORKS.get(network, {}), **of_name, **special})


def _budget(
    options: SegmentationSettings, seconds: float, image_size: int | None
) -> dict[str, float]:
    finest = options.image_size
    if options.work_units is None:
        return {"seconds": seconds}
    work_units = options.work_units * seconds / options.seconds
    return {"work_units": work_units / share_of_mesh(image_size or finest, finest)}
