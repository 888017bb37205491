"""Named sets of values for options that are not given, by task and network."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from .options import has_several_problems, options_of
from .per_stage import Fitting, FittingFromFinest
from .problem import Problem

T = TypeVar("T")
Values = dict[str, Any]

# Inputs as bright as photographs, networks that add to them and normalise by pixel or not at all:
# they learn faster, keep colours, and restore large pictures in tiles.
QUICK: dict[str, Values] = {
    "common": {
        "strategy": "progressive",
        "keep_contrast": True,
        "residual": True,
        "normalization": "channel",
    },
    # Noise of standard deviation 0 to 55 of 255.
    "denoising": {"network": "half_resnet", "t_low": 0.7, "t_high": 1.0},
    "deblurring": {"network": "half_resnet"},
    "inpainting": {"network": "unet"},
    "super_resolution": {"network": "half_resnet"},
    "pairs": {
        "network": "unet",
        "keep_contrast": False,
        "residual": None,
        "normalization": None,
    },
    "half_resnet": {
        "normalization": None,
        "image_size": 64,
        "batch_sizes": (4, 16),
        "iterations": Fitting((1000, 1000)),
        "learning_rate": 1e-3,
    },
    "resnet": {"width": 32},
    "resnet18": {"width": 32},
    "resnet50": {"width": 32, "learning_rate": 1e-3},
    "unet": {"width": 16, "dropout": 0.0, "learning_rate": 1e-3},
    "unet5": {"width": 8, "dropout": 0.0, "learning_rate": 1e-3},
}

# Ahamed et al. (2026), section 4 and appendix E; where the paper is silent, its authors' program.
# Where they differ it is the paper: 240 images a step of single-scale training (the program has
# 16), 2000 steps of multiscale training (8000), holes in inpainting (none). The data are up to you.
# The program validates on 512 images drawn anew after every step; here 512 stay the same for all
# strategies, 40 times in a run. What is not here is right by default: Adam, images of 128 px, the
# noise of the tasks, blur and holes.
PAPER: dict[str, Values] = {
    "common": {
        "batch_sizes": (16, 32, 64, 128),
        "run_batch_sizes": (16, 32, 64, 128),
        "single_scale_batch": 240,
        "iterations": FittingFromFinest((250, 500, 1000, 2000)),
        "coarsening": "degrade_first",
        "restriction": "stride",
        "conditional": True,
        "flip": False,
        "validation_samples": 512,
        "dtype_policy": "float32",
        "learning_rate": 5e-4,
        "final_learning_rate": 1e-6,
        "decay": "cosine",
    },
    "denoising": {"network": "paper_resnet", "t_low": 0.0, "t_high": 1.0},
    "pairs": {"network": "unet", "conditional": False},
    "deblurring": {"network": "paper_resnet", "border": "circular", "enlarged_by": "nearest"},
    # Trained on the mean squared error, judged by the SSIM.
    "inpainting": {
        "network": "paper_resnet",
        "iterations": FittingFromFinest((2000, 2000, 2000, 2000)),
        "measure_ssim": True,
    },
    "super_resolution": {
        "network": "paper_sr_resnet",
        "batch_sizes": (1, 2, 4, 8),
        "run_batch_sizes": (1, 2, 4, 8),
        "single_scale_batch": 15,
        "iterations": FittingFromFinest((2000, 2000, 2000, 2000)),
        "restriction": "average",
        "conditional": False,
        "learning_rate": 1e-3,
        "decay": "constant",
        "loss": "authors_ssim",
        "measure_ssim": True,
    },
}

PRESETS = {"quick": QUICK, "paper": PAPER}

GOES_WITH = {"restriction": ("coarsening", "degrade_first")}
"""Options that mean nothing but with a value of another: without it the preset's are left out."""


def values(preset: str, task: str, network: str, given: Mapping[str, Any] | None = None) -> Values:
    """The values of a preset: those common to all, then the task's, then the network's.

    Args:
        preset: One of `PRESETS`.
        task: Name of the task, or `"pairs"` of one's own.
        network: Name of the network.
        given: The options that were given. They are left out, and so is what goes with others.

    Raises:
        ValueError: If there is no such preset.
    """
    if preset not in PRESETS:
        raise ValueError(f"--preset is one of {', '.join(PRESETS)}. Received: --preset={preset}.")
    chosen, given = PRESETS[preset], given or {}
    found = {**chosen["common"], **chosen.get(task, {}), **chosen.get(network, {})}
    whole = {**found, **given}
    return {
        name: value
        for name, value in found.items()
        if name not in given and _means_something(name, whole)
    }


def _means_something(name: str, options: Values) -> bool:
    """Whether an option goes with the others; they may be lists, as on the command line."""
    other, value = GOES_WITH.get(name, (name, ""))
    return other == name or value in str(options.get(other)).replace(" ", "").split(",")


def make(settings: type[T], preset: str, **given: Any) -> T:
    """Settings of a preset with some options given.

    A class may have other values than a preset, in its `INSTEAD`, by preset and option. The
    settings remember preset and names given, for apps that go through several problems, each of
    which takes its own part of the preset (`row`).

    Args:
        settings: Their class, a `Problem`.
        preset: One of `PRESETS`.
        **given: The options given, also those that are given their default.
    """
    defaults = {field.name: field.default for field in options_of(settings)}
    chosen: Values = {}
    if not has_several_problems(settings):
        one = {**defaults, **given}
        task = "pairs" if one.get("target_dir") else one["task"]
        instead = _instead(settings, preset, given)
        of_task = PRESETS.get(preset, {}).get(task, {})
        network = {**defaults, **of_task, **instead, **given}["network"]
        chosen = {**values(preset, task, network, {**instead, **given}), **instead}
    chosen = {name: value for name, value in chosen.items() if name in defaults}
    return settings(**{**chosen, **given, "preset": preset, "given": tuple(given)})


def row(settings: Any, kind: type[T], task: str, network: str, **special: Any) -> T:
    """Settings of one of the problems that an app goes through.

    Args:
        settings: The app's, which say what is common to all problems.
        kind: Class of the settings to make.
        task: Name of the task; of pairs of one's own, any.
        network: Name of the network.
        **special: Options of this row, whatever was given for all.

    Returns:
        Options that were given; for others the preset's for this problem, if `settings` were made
        of one, and what `settings` say.
    """
    names = {field.name for field in options_of(kind)}
    own: Values = {"task": task, "network": network, **special}
    if settings.preset is not None:
        own = _of_preset(settings, kind, own)
    shared = {f.name: getattr(settings, f.name) for f in options_of(Problem) if f.name in names}
    own = {name: value for name, value in own.items() if name in names}
    # What was given is refused where it makes no sense; the preset's is left out there.
    remembered = {name: getattr(settings, name) for name in ("preset", "given")}
    return kind(**{**shared, **own, **remembered})


def _of_preset(settings: Any, kind: type, own: Values) -> Values:
    """Options of a row with what the preset of an app's settings adds to them."""
    given = {name: getattr(settings, name, None) for name in settings.given}
    instead = _instead(settings, settings.preset, given)
    task = "pairs" if settings.target_dir else own["task"]
    of_preset = values(settings.preset, task, own["network"], {**given, **instead, **own})
    # What the settings have from the preset may go with what a row does not have.
    usual = {field.name: field.default for field in options_of(kind)}
    left = {name: usual[name] for name in GOES_WITH if name in usual and name not in given}
    return {**left, **of_preset, **instead, **own}


def _instead(settings: Any, preset: str, given: Collection[str]) -> Values:
    """Values that an app has in the place of a preset's, without options that were given."""
    found = getattr(settings, "INSTEAD", {}).get(preset, {})
    return {name: value for name, value in found.items() if name not in given}


def decided_names() -> set[str]:
    """Names of all options that some preset decides."""
    return {name for parts in PRESETS.values() for part in parts.values() for name in part}


def described(name: str, default: Any) -> str:
    """What a flag is in each preset if it is not given, for its help."""
    texts = {preset: _in_preset(parts, name, default) for preset, parts in PRESETS.items()}
    if len(set(texts.values())) == 1:
        return f"default: {next(iter(texts.values()))}"
    return "; ".join(f"{preset}: {text}" for preset, text in texts.items())


def _in_preset(parts: dict[str, Values], name: str, default: Any) -> str:
    common = parts["common"].get(name, default)
    keys: dict[str, list[str]] = {}
    for key, values_of_key in parts.items():
        if name in values_of_key and key != "common":
            keys.setdefault(shown(values_of_key[name]), []).append(key)
    texts = [f"{value} for {' and '.join(which)}" for value, which in keys.items()]
    return ", ".join(texts if texts and common is None else [shown(common), *texts])


def shown(value: Any) -> str:
    """A default as a user would type it; "none" for an empty one."""
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return text or "none"
