"""Weights of whole examples, given as many axes as the values of their losses have.

Keras multiplies weights `(batch,)` with values `(batch, height, width)` as they are, which fails
or, where a side happens to be as long as the batch, weighs columns. With unit axes behind, every
example is weighed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.data.examples import PARTS
from keras_ms.data.roles import Leaf
from keras_ms.keras_internals import spec_of_call


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


def _is_own(model: Any, method: str) -> bool:
    """Whether a method is neither Keras's nor ours: it may do with weights what it likes."""
    owner = getattr(getattr(model, method), "__module__", "") or ""
    return owner.partition(".")[0] not in ("keras", "keras_ms")


def _is_of_examples(leaf: Leaf) -> bool:
    one = all(side == 1 for side in leaf.shape)
    return leaf.role == "weight" and leaf.ratio is None and one


def _rank(loss: Any, target: Any, output: Any) -> int | None:
    """Axes of the values that a loss averages; `None` if they cannot be told."""
    if loss is None or output is None:
        return None
    try:
        found = keras.losses.get(loss)
        symbol = keras.KerasTensor(tuple(target.shape), target.dtype.name)
        return len(spec_of_call(getattr(found, "call", found), symbol, output).shape)
    except Exception:  # whatever a loss of one's own raises on symbols
        return None


def _of_its_targets(weight: Leaf, ranks: Mapping[str, int]) -> dict[str, int]:
    """Axes of the values of all targets that a weight is of."""
    path = weight.name.removeprefix(PARTS[2]).strip("/")
    if not path:
        return dict(ranks)
    return {n: rank for n, rank in ranks.items() if n == f"y/{path}" or n.startswith(f"y/{path}/")}


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
