"""One run of a frontier, as options of `Settings`."""

from __future__ import annotations

import dataclasses
from typing import Any

from ..experiment import presets
from ..experiment.options import as_dict, replaced
from ..experiment.settings import Settings
from ..races import on_masks
from ..races.held_out import ALL
from .contestants import CONTESTANTS, MORE
from .problems import Named
from .settings import FrontierSettings


def settings_of(
    options: FrontierSettings,
    problem: Named,
    name: str | None,
    trial_seconds: float | None = None,
    **special: Any,
) -> Settings:
    """What `apps.train` would be told for one run.

    Args:
        options: Of the frontier.
        problem: What is learned.
        name: The contestant, one of `CONTESTANTS`; `None` for what is common to all.
        trial_seconds: Length of a trial of a learning rate, which what judges the runs stays out
            of; `None` for a run of the race.
        **special: Seed, learning rate and seconds of the run.
    """
    common = _common(options, problem, trial_seconds)
    of_name = {} if name is None else {**CONTESTANTS, **MORE}[name](common)
    return dataclasses.replace(common, **{**of_name, **special})


def distinct(options: FrontierSettings, problem: Named) -> tuple[FrontierSettings, dict[str, str]]:
    """Leaves out contestants that are others by another name.

    With a finest mesh of 64 px, for example, crops of 64 px are plain training.

    Args:
        options: Of the frontier.
        problem: What is learned.

    Returns:
        The options with those contestants that differ, and the name that each of all takes part
        under.
    """
    seen: dict[tuple[Any, ...], str] = {}
    names: dict[str, str] = {}
    for name in sorted(options.contestants, key=lambda name: name != options.default):
        names[name] = seen.setdefault(_key(settings_of(options, problem, name)), name)
    taking = tuple(name for name in options.contestants if names[name] == name)
    plain = tuple(dict.fromkeys(names.get(name, name) for name in options.plain))
    return replaced(options, contestants=taking, plain=plain), names


def _key(settings: Settings) -> tuple[Any, ...]:
    """What makes runs differ: with a budget, only the proportions of steps."""
    wanted = settings.stage_iterations
    steps = tuple(count / max(wanted) for count in wanted)
    return tuple(sorted({**as_dict(settings), "iterations": steps}.items()))


def _common(
    options: FrontierSettings, problem: Named, trial_seconds: float | None = None
) -> Settings:
    own: dict[str, Any] = {"refresh_statistics": True, "validation_samples": ALL}
    own["validations"] = options.validations
    if trial_seconds is not None:
        own |= {"validations": 1, "val_data_dir": None, "val_target_dir": None}
        own["seconds"] = trial_seconds
    if options.target_dir is not None:
        of_masks = _of_masks(options, problem.network)
        return presets.row(options, Settings, options.task, problem.network, **of_masks, **own)
    return presets.row(options, Settings, problem.learned, problem.network, **own)


def _of_masks(options: FrontierSettings, network: str) -> dict[str, Any]:
    """As a preset: what races on masks have in common, unless it is given."""
    if options.classes is None or options.preset is None:
        return {}
    usual = {"image_size": on_masks.IMAGE_SIZE, "batch_sizes": on_masks.BATCH_SIZES}
    usual |= on_masks.NETWORKS.get(network, {})
    return {name: value for name, value in usual.items() if name not in (options.given or ())}
