"""Targets that lie on the mesh of the network's output, though their shape alone does not tell.

A row of numbers beside a signal is a label, or a map of one point in two: what the network returns
on two levels tells.
"""

from __future__ import annotations

from typing import Any

from keras_ms.data import MultiscaleDataset
from keras_ms.data.roles import NO_IMAGE, Leaf
from keras_ms.gradients.losses_of_targets import outputs_on


def of_outputs(model: Any, dataset: MultiscaleDataset) -> dict[str, tuple[str, str]]:
    """Roles and reasons of targets without a role that lie on the mesh of an output, by name.

    Args:
        model: A compiled model.
        dataset: What it trains on.
    """
    pairs, dims = dataset.pairs, len(dataset.image_size)
    if pairs is None or dataset.levels.num_levels == 1:
        return {}
    open_ones = [leaf for leaf in pairs.leaves if _may_be_map(leaf, dims)]
    if not open_ones:
        return {}
    fine, coarse = (outputs_on(model, dataset, level) for level in (0, 1))
    told = {}
    for leaf in open_ones:
        if leaf.name not in fine or leaf.name not in coarse:
            continue
        sides, fewer = (tuple(out[leaf.name].shape) for out in (fine, coarse))
        becomes_coarser = len(sides) == dims + 2 and sides[1:-1] != fewer[1:-1]
        if becomes_coarser and sides[1:-1] == tuple(leaf.shape[:dims]):
            role = "image" if leaf.dtype.is_floating else "class_map"
            told[leaf.name] = (role, "it lies on the network's output")
    return told


def _may_be_map(leaf: Leaf, dims: int) -> bool:
    target = leaf.name.partition("/")[0] == "y" and leaf.reason == NO_IMAGE
    return target and len(leaf.shape) in (dims, dims + 1) and None not in leaf.shape
