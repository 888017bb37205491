"""The paper's problems with its ResNet, for what is measured of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..target import Key

if TYPE_CHECKING:
    from ...experiment.problem import Problem


def paper_problem(key: Key, **options: Any) -> Problem:
    """A problem of the preset `paper`, with the authors' ResNet.

    Args:
        key: Says `data`, `seed` and `width`, the network's channels; `None` for the authors'.
        **options: Of the problem, such as `task` and `image_size`.
    """
    from ...experiment import presets
    from ...experiment.problem import Problem

    own = {"network": "paper_resnet", "width": key["width"], "seed": key["seed"]}
    return presets.make(Problem, "paper", **key["data"], **own, **options)
