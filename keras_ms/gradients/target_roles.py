"""What the loss of a model tells of the targets of a dataset: class maps, or images."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.points import FEW, check_no_points
from keras_ms.data.roles import OF_INTEGERS, SAID, Leaf
from keras_ms.data.values import Values
from keras_ms.gradients.class_trial import ClassTrial
from keras_ms.gradients.known_losses import CLASSES, VALUES, takes
from keras_ms.gradients.losses_of_targets import (
    kind_of,
    last_side_of,
    loss_of,
    outputs_by_name,
)
from keras_ms.gradients.read_as_pictures import check_classes_are_read
from keras_ms.gradients.target_maps import of_outputs
from keras_ms.gradients.target_values import Check, check_of
from keras_ms.gradients.weight_axes import check_weights, unit_axes
from keras_ms.gradients.whole_numbers import (
    MOST_CLASSES,
    check_whole,
    of_whole_numbers,
    takes_classes,
)

Told = dict[str, tuple[str, str]]


def suited(model: keras.Model, dataset: MultiscaleDataset) -> MultiscaleDataset:
    """The dataset with its targets seen as the losses of a model take them.

    Under a sparse loss a target is a class map, of floats too; under one that compares values it is
    an image, of integers too. Other losses leave it to the type, but for floats that are whole
    numbers: a trial of the loss tells whether it takes them for classes. One whose output is as
    large on every level is a label, whatever its shape. Weights of whole examples get the axes
    that the values of their losses have.

    All examples that were read are looked at, of a stream as many as a first step takes. Those that
    are read later are checked as they come.

    Args:
        model: A model; if it is not compiled, nothing is told.
        dataset: What it trains on.

    Raises:
        ValueError: If a target does not fit what a loss takes it for, or its values do not.
    """
    if dataset.pairs is None or not getattr(model, "compiled", False):
        return dataset
    dataset.pairs.evidence.look_ahead()
    dataset = dataset.judged_by({})
    assert dataset.pairs is not None
    pairs = dataset.pairs
    names = [leaf.name for leaf in pairs.leaves]
    losses = {name: loss_of(model, _path(name)) if _is_target(name) else None for name in names}
    told: Told = of_outputs(model, dataset)
    checks: dict[str, list[Check]] = {}
    symbols = outputs_by_name(model, names)
    for leaf in filter(lambda leaf: _is_target(leaf.name), pairs.leaves):
        loss, outputs = losses[leaf.name], last_side_of(model, _path(leaf.name))
        check_classes_are_read(pairs, leaf, loss, outputs)
        on_mesh = leaf.ratio is not None or leaf.name in told
        role = _role(model, pairs, leaf, loss, outputs) if on_mesh else None
        if _as_large_on_every_level(model, dataset, leaf, symbols.get(leaf.name)):
            told[leaf.name] = ("label", "the network's output is as large on every level")
            checks[leaf.name] = []
            continue
        told |= {leaf.name: role} if role else {}
        checks[leaf.name] = _checks(pairs, leaf, loss, outputs, role)
    for name, of_target in checks.items():
        _hold(of_target, pairs.evidence.values[name])
    axes = unit_axes(model, dataset, losses, symbols)
    judged = dataset.judged_by(told, axes)
    check_weights(model, judged, losses)
    assert judged.pairs is not None
    later = {name: _of_one(name, found) for name, found in checks.items()}
    judged.pairs.evidence.expect(judged.pairs.leaves, told, later)
    return judged


def _is_target(name: str) -> bool:
    return name.partition("/")[0] == "y"


def _path(name: str) -> list[str]:
    return name.split("/")[1:]


def _hold(checks: Sequence[Check], values: Values) -> None:
    for check in checks:
        check(values)


def _of_one(name: str, checks: Sequence[Check]) -> Callable[[Mapping[str, Values]], None]:
    return lambda found: _hold(checks, found[name])


def _role(
    model: Any, pairs: PairBatches, leaf: Leaf, loss: Any, outputs: int | None
) -> tuple[str, str] | None:
    """What the loss of a target on the mesh tells of it; `None` to leave it to the type."""
    kind = "" if loss is None else kind_of(loss)
    if takes(kind, CLASSES):
        return "class_map", f"under {kind}"
    if takes(kind, VALUES):
        return "image", f"under {kind}"
    if loss is not None or model.loss is None:
        return of_whole_numbers(pairs, leaf, loss, outputs)
    return None


def _checks(
    pairs: PairBatches, leaf: Leaf, loss: Any, outputs: int | None, role: tuple[str, str] | None
) -> list[Check]:
    """What must hold of the values of a target, those of examples that come later included."""
    if loss is None or leaf.name in pairs.examples.ranges:
        return []
    kind = kind_of(loss)
    found: list[Check | None] = []
    classes = not kind and (role or leaf.reason == OF_INTEGERS)
    if role and classes:
        found.append(functools.partial(check_whole, leaf))
    asks = not takes(kind, VALUES) and not role and not _takes_many(pairs, leaf, loss, outputs)
    found.append(check_of(leaf, loss, kind, outputs, asks))
    if classes and outputs is not None and outputs > 1:
        found.append(ClassTrial(loss, leaf, pairs.evidence.sample(leaf.name), outputs))
    if takes(kind, VALUES) and leaf.role == "label" and leaf.reason != SAID:
        found.append(functools.partial(_check_no_box, leaf, pairs.sides))
    return [check for check in found if check is not None]


def _takes_many(pairs: PairBatches, leaf: Leaf, loss: Any, outputs: int | None) -> bool:
    """Whether integers that are too many for a guess are classes, as a trial of the loss tells."""
    if leaf.reason != OF_INTEGERS or pairs.evidence.values[leaf.name].most <= MOST_CLASSES:
        return False
    several = leaf.channels and leaf.shape[-1] != 1
    return not several and bool(takes_classes(loss, pairs.evidence.sample(leaf.name), outputs))


def _check_no_box(leaf: Leaf, sides: Sequence[int], values: Values) -> None:
    shape = tuple(leaf.shape)
    if len(shape) == 1 and shape[0] is not None and 2 <= shape[0] <= FEW:
        check_no_points(leaf.name, shape, values, sides)


def _as_large_on_every_level(
    model: Any, dataset: MultiscaleDataset, leaf: Any, output: Any
) -> bool:
    """Whether a field is one by its shape alone: its output has that shape for images of any size.

    Args:
        model: The model.
        dataset: What it trains on.
        leaf: The target.
        output: The symbolic output that belongs to it; `None` if it is not known.
    """
    axes, dims = dataset.levels.axes, len(dataset.image_size)
    if output is None or leaf.ratio is None or len(output.shape) <= dims:
        return False
    images = [tensor.shape[1:] for tensor in model.inputs if len(tensor.shape) == dims + 2]
    free = bool(images) and all(shape[axis] is None for shape in images for axis in axes)
    made = [output.shape[1 + axis] for axis in axes]
    return free and None not in made and made == [leaf.shape[axis] for axis in axes]
