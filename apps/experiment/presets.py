"""Named sets of values for flags that are not given, by task and network."""

from __future__ import annotations

from typing import Any

Values = dict[str, Any]

QUICK: dict[str, Values] = {
    "common": {},
    "denoising": {"t_low": 0.5, "t_high": 1.0},
    "resnet": {"width": 32},
    "resnet18": {"width": 32},
    "resnet50": {"width": 32, "learning_rate": 1e-3},
    "unet": {"width": 16, "dropout": 0.0, "learning_rate": 1e-3},
    "unet5": {"width": 8, "dropout": 0.0, "learning_rate": 1e-3},
}

# Ahamed et al. (2026), Section 5 and its appendix on hyperparameters.
PAPER: dict[str, Values] = {
    "common": {
        "batch_sizes": (16, 32, 64, 128),
        "single_scale_batch": 240,
        "iterations": (250, 500, 1000, 2000),
        "coarsening": "degrade_first",
        "restriction": "stride",
        "conditional": True,
        "learning_rate": 5e-4,
        "final_learning_rate": 1e-6,
        "decay": "cosine",
    },
    "denoising": {"t_low": 0.0, "t_high": 1.0},
    "deblurring": {"border": "circular"},
    "inpainting": {"iterations": (2000, 2000, 2000, 2000)},
    "super_resolution": {
        "batch_sizes": (1, 2, 4, 8),
        "single_scale_batch": 15,
        "iterations": (2000, 2000, 2000, 2000),
        "learning_rate": 1e-3,
        "decay": "constant",
        "loss": "ssim",
    },
}

PRESETS = {"quick": QUICK, "paper": PAPER}


def values(preset: str, task: str, network: str) -> Values:
    """The values of a preset: those common to all, then the task's, then the network's."""
    chosen = PRESETS[preset]
    return {**chosen["common"], **chosen.get(task, {}), **chosen.get(network, {})}


def with_row(shared: Values, usual: Values, task: str, network: str) -> Values:
    """Options of one of several problems: those given by the user, else the quick preset's.

    Args:
        shared: The options of all problems.
        usual: Their defaults; an option that differs from its default was given.
        task: Name of the task.
        network: Name of the network.
    """
    quick = values("quick", task, network)
    preset = {name: quick[name] for name in quick if shared.get(name) == usual.get(name)}
    return {**shared, **preset, "task": task, "network": network}


def described(name: str, default: Any) -> str:
    """What a flag is in each preset if it is not given, for its help."""
    shown = {}
    for preset, parts in PRESETS.items():
        special = [f"{_shown(p[name])} for {key}" for key, p in parts.items() if name in p]
        common = _shown(parts["common"].get(name, default))
        special = [text for text in special if not text.endswith(" for common")]
        shown[preset] = ", ".join([common, *special])
    if len(set(shown.values())) == 1:
        return f"default: {shown['quick']}"
    return "; ".join(f"{preset}: {text}" for preset, text in shown.items())


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
