"""What `--list` shows: every target, what it needs, what it makes, and about what it costs."""

from __future__ import annotations

import textwrap

from . import registry
from .settings import SCALES, USUAL_DATA
from .target import Asked, Target

WIDTH = 100


def of_targets() -> str:
    """All targets, a paragraph each."""
    return "\n\n".join(of_target(registry.get(name)) for name in registry.names())


def of_target(target: Target) -> str:
    """What a target is of the paper, makes, needs and costs."""
    costs = "; ".join(f"{getattr(target.costs, scale)} with --scale={scale}" for scale in SCALES)
    lines = [
        f"{target.title}: {target.makes}.",
        f"Needs {_needs(target)}.",
        f"Takes about {costs}, a seed.",
    ]
    filled = (
        textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="      ")
        for line in lines
    )
    return "\n".join((target.name, *filled))


def _needs(target: Target) -> str:
    if target.paper_data is None:
        return "no pictures"
    paper = target.by_data_set(Asked("paper", target.paper_data, None, (0,)))
    names = ", ".join(dict.fromkeys(str(asked.dataset) for asked in paper))
    return f"{USUAL_DATA}, which are there, or --dataset; with --scale=paper {names}"
