"""Weights of whole examples, given as many axes as the values of their losses have.

Keras multiplies weights `(batch,)` with values `(batch, height, width)` as they are, which fails
or, where a side happens to be as long as the batch, weighs columns. With unit axes behind, every
example is weighed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.examples import PARTS
from keras_ms.data.roles import Leaf
from keras_ms.gradients.losses_of_targets import loss_of, outputs_on
from keras_ms.keras_internals.graphs import spec_of_call


def unit_axes(
    model: Any, dataset: MultiscaleDataset, losses: Mapping[str, Any], outputs: Mapping[str, Any]
) -> dict[str, int]:
    """Unit axes that weights of whole examples lack, by name.

    Args:
        model: A compiled model.
        dataset: What it trains on.
        losses: The loss of each target, by name; `None` where it is not known.
        outputs: What the network returns for it, a symbolic tensor, where that is known.

    Raises:
        ValueError: If one weight is of several targets whose losses differ in their axes.
    """
    if dataset.pairs is None or _is_own(model, "compute_loss") or _is_own(model, "train_step"):
        return {}
    leaves, dims = dataset.pairs.leaves, len(dataset.image_size)
    weights = [leaf for leaf in leaves if _is_of_examples(leaf)]
    if not weights:
        return {}
    names = [leaf.name for leaf in leaves]
    specs = dict(zip(names, keras.tree.flatten(dataset.pair_spec(0)), strict=True))
    ranks = {
        leaf.name: _rank(losses.get(leaf.name), specs[leaf.name], outputs.get(leaf.name))
        or (1 + dims if leaf.ratio is not None else 1)
        for leaf in leaves
        if leaf.name.partition("/")[0] == "y"
    }
    return {leaf.name: _lacking(leaf, _of_its_targets(leaf, ranks)) for leaf in weights}


def lacking_axes(model: Any, leaves: Sequence[Leaf], outputs: Mapping[str, Any]) -> dict[str, int]:
    """Unit axes that weights of whole examples lack in data on the finest mesh alone, by name.

    Args:
        model: A compiled model.
        leaves: What the tensors of an example are; of weights, the role is `"weight"`.
        outputs: What the network returns for each target, a symbolic tensor, where it is known.

    Raises:
        ValueError: If one weight is of several targets whose losses differ in their axes.
    """
    if any(_is_own(model, method) for method in ("compute_loss", "test_step")):
        return {}
    ranks: dict[str, int] = {}
    for leaf in leaves:
        if leaf.name.partition("/")[0] == PARTS[1]:
            loss = loss_of(model, leaf.name.split("/")[1:])
            target = tf.TensorSpec((None, *leaf.shape), leaf.dtype)
            if rank := _rank(loss, target, outputs.get(leaf.name)):
                ranks[leaf.name] = rank
    weights = filter(_is_of_examples, leaves)
    return {leaf.name: _lacking(leaf, _of_its_targets(leaf, ranks)) for leaf in weights}


def check_weights(model: Any, dataset: MultiscaleDataset, losses: Mapping[str, Any]) -> None:
    """Checks that weights lie over the values of the losses that they weigh, on the finest mesh.

    Args:
        model: A compiled model; nothing is checked if it takes weights its own way.
        dataset: What it trains on, weights of whole examples having their axes.
        losses: The loss of each target, by name; `None` where it is not known.

    Raises:
        ValueError: If sides differ, or one is a map where the other has one number an example.
    """
    if dataset.pairs is None or _is_own(model, "compute_loss") or _is_own(model, "train_step"):
        return
    leaves = {leaf.name: leaf for leaf in dataset.pairs.leaves}
    weights = [leaf for leaf in leaves.values() if leaf.name.partition("/")[0] == PARTS[2]]
    if not weights:
        return
    specs = dict(zip(leaves, keras.tree.flatten(dataset.pair_spec(0)), strict=True))
    outputs = outputs_on(model, dataset, 0)
    for name, output in outputs.items():
        values = _values(losses.get(name), specs[name], output)
        if not values:  # not known, or one of the whole batch, which all weights weigh
            continue
        for leaf in weights:
            _check_divisor(losses.get(name), leaf, tuple(specs[leaf.name].shape), name, values)
            if _weighs(leaf, name) and not _lie_over(tuple(specs[leaf.name].shape), values):
                raise ValueError(
                    "Weights are as many as the values of the loss that they weigh. Received: "
                    f"{leaf.name} of shape {tuple(specs[leaf.name].shape)[1:]} for {name}, whose "
                    f"loss has values of shape {values[1:]} an example. Resize the weights, or "
                    "give one number an example."
                )


def _check_divisor(
    loss: Any, leaf: Leaf, weights: tuple[Any, ...], name: str, values: tuple[Any, ...]
) -> None:
    """Refuses one number an example where a loss divides by the sum of all weights."""
    by_weights = getattr(loss, "reduction", "") == "mean_with_sample_weight"
    if (
        by_weights
        and _weighs(leaf, name)
        and math.prod(s or 1 for s in weights[1:]) < math.prod(side or 1 for side in values[1:])
    ):
        raise ValueError(
            "A loss with reduction='mean_with_sample_weight' divides by the sum of the weights, so "
            "each of its values has a weight of its own. Received: "
            f"{leaf.name} of shape {weights[1:]} for {name}, whose loss has values of shape "
            f"{values[1:]} an example. Repeat the weights over these, or use the usual reduction."
        )


def _lie_over(weights: tuple[Any, ...], values: tuple[Any, ...]) -> bool:
    """Whether Keras can multiply them, and weighs every value with one number of its example."""
    if len(weights) == len(values) + 1 and weights[-1] == 1:
        weights = weights[:-1]
    elif len(values) == len(weights) + 1 and values[-1] == 1:
        values = values[:-1]
    both = zip(weights, values, strict=False)
    return len(weights) == len(values) and all(a in (1, b) or None in (a, b) for a, b in both)


def _is_own(model: Any, method: str) -> bool:
    """Whether a method is neither Keras's nor ours: it may do with weights what it likes."""
    owner = getattr(getattr(model, method), "__module__", "") or ""
    return owner.partition(".")[0] not in ("keras", "keras_ms")


def _is_of_examples(leaf: Leaf) -> bool:
    one = all(side == 1 for side in leaf.shape)
    return leaf.role == "weight" and leaf.ratio is None and one


def _rank(loss: Any, target: Any, output: Any) -> int | None:
    """Axes of the values that a loss averages; `None` if they cannot be told."""
    values = _values(loss, target, output)
    return None if values is None else len(values)


def _values(loss: Any, target: Any, output: Any) -> tuple[Any, ...] | None:
    """Shape of the values that a loss averages, batch axis included, if they can be told."""
    if loss is None or output is None:
        return None
    try:
        found = keras.losses.get(loss)
        symbol = keras.KerasTensor(tuple(target.shape), target.dtype.name)
        return tuple(spec_of_call(getattr(found, "call", found), symbol, output).shape)
    except Exception:  # whatever a loss of one's own raises on symbols
        return None


def _weighs(weight: Leaf, target: str) -> bool:
    path = weight.name.removeprefix(PARTS[2]).strip("/")
    return not path or target == f"y/{path}" or target.startswith(f"y/{path}/")


def _of_its_targets(weight: Leaf, ranks: Mapping[str, int]) -> dict[str, int]:
    """Axes of the values of all targets that a weight is of."""
    return {name: rank for name, rank in ranks.items() if _weighs(weight, name)}


def _lacking(weight: Leaf, ranks: Mapping[str, int]) -> int:
    found: Sequence[int] = sorted(set(ranks.values()))
    if len(found) > 1 and found[-1] > 1:
        shown = ", ".join(f"{name}: {rank}" for name, rank in ranks.items())
        raise ValueError(
            "One weight an example cannot weigh targets whose losses have values of different "
            f"axes. Received: {weight.name} for {shown} axes. Give a weight for every target, "
            "nested as they are: (x, (y1, y2), (w1, w2))."
        )
    rank = found[0] if found else 1
    return max(0, rank - 1 - len(weight.shape))
