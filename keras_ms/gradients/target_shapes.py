"""Whether targets are as many as outputs, with the axes that their losses take.

Else Keras says it in the middle of a trace, or puts numbers of examples beside columns of pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.data.examples import leaf_names
from keras_ms.gradients.known_losses import CLASSES, KNOWN, ONE_HOT
from keras_ms.gradients.losses_of_targets import kind_of, loss_of, outputs_by_name


def check_targets(model: Any, dataset: MultiscaleDataset) -> None:
    """Checks targets against the outputs of a functional model.

    Args:
        model: A model; nothing is checked if it is not compiled, or has a loss of its own.
        dataset: What it trains on.

    Raises:
        ValueError: If there are fewer or more targets than outputs that have a loss, or a target
            has other axes than its loss takes.
    """
    check_target_shapes(model, dataset.pair_spec(0))


def check_target_shapes(model: Any, spec: Any, made: Any = None, of: str = "") -> None:
    """Checks targets against the outputs of a functional model.

    Args:
        model: A model; nothing is checked if it is not compiled, or has a loss of its own.
        spec: Of batches, `(x, y)` or `(x, y, sample_weight)`: anything that has shapes.
        made: What the model returns for `x`. Defaults to the outputs of a functional model.
        of: What the examples are of, for messages, as in " of validation_data".

    Raises:
        ValueError: As `check_targets`.
    """
    outputs = keras.tree.flatten(made or getattr(model, "outputs", None) or [])
    if not outputs or not has_known_losses(model):
        return
    both = zip(leaf_names(spec), keras.tree.flatten(spec), strict=True)
    targets = {name: leaf for name, leaf in both if name.partition("/")[0] == "y"}
    _check_number(model, outputs, targets, of)
    for name, output in outputs_by_name(model, targets, made).items():
        _check_axes(name, of, targets[name], output, loss_of(model, name.split("/")[1:]))


def has_known_losses(model: Any) -> bool:
    """Whether losses are those that `compile` was given, and nothing else."""
    own = type(model).compute_loss is not keras.Model.compute_loss
    return not own and getattr(model, "compiled", False) and model.loss is not None


def _check_number(model: Any, outputs: list[Any], targets: dict[str, Any], of: str) -> None:
    losses = [loss for loss in keras.tree.flatten(model.loss) if loss is not None]
    by_output = isinstance(model.loss, (Mapping, list, tuple))
    if len(targets) not in (len(outputs), len(losses) if by_output else len(outputs)):
        names = ", ".join(getattr(model, "output_names", None) or map(str, range(len(outputs))))
        raise ValueError(
            "Every output that has a loss needs a target. Received: "
            f"{len(outputs)} outputs ({names}), {len(targets)} targets ({', '.join(targets)}){of}. "
            "Give examples as (x, (y1, y2)) or with a dictionary of targets, or a loss of None "
            "for outputs without."
        )


def _check_axes(name: str, of: str, target: Any, output: Any, loss: Any) -> None:
    kind = "" if loss is None else kind_of(loss)
    have, made = tuple(target.shape), tuple(output.shape)
    if kind not in KNOWN:
        return
    classes, one_more = KNOWN[kind].takes == CLASSES, len(have) == len(made) and have[-1] == 1
    if not classes:
        fits = _differ_by_one_entry(have, made)
    else:
        fits = len(have) == len(made) - 1 or (one_more and KNOWN[kind].last_axis_of_one)
    if not fits and classes and one_more:
        raise ValueError(
            f"Under {kind} numbers of classes have no last axis of one entry: Keras would compare "
            f"each with every output. Received: {name}{of} of shape {have}, an output of shape "
            f"{made}. Use y[..., 0]."
        )
    if not fits and classes and len(have) == len(made) > 3:
        raise ValueError(
            "Classes are whole numbers, one a pixel; colours are not read as classes here. "
            f"Received: {name}{of} of shape {have}, {have[-1]} values a pixel, an output of shape "
            f"{made}, under the loss {kind}. Use FolderPairs(classes=...) for files of masks: a "
            "number of classes for indices and palettes, a list of colours for coloured ones. "
            "Arrays of one value a class are turned by .argmax(-1)."
        )
    if not fits:
        raise ValueError(
            "A target does not have the axes of the network's output. Received: "
            f"{name}{of} of shape {have}, an output of shape {made}, under the loss {kind}. "
            f"{_mend(have, made, kind)}"
        )


def _mend(have: tuple[Any, ...], made: tuple[Any, ...], kind: str) -> str:
    """What to do about a target of more, or of fewer, axes than the output."""
    axes = len(made) - (KNOWN[kind].takes == CLASSES)
    if len(have) > max(axes, 2):
        return (
            "The target is a map: leave out of the network what makes one number of all pixels, "
            "such as GlobalAveragePooling2D, or give targets of one number an example."
        )
    if not len(have) == axes - 1 > 1:
        return (
            "Give a map as target, or end the network with one number an example "
            "(keras.layers.GlobalAveragePooling2D, then Dense)."
        )
    other = "y[..., np.newaxis] and a network of one output for values"
    if KNOWN[kind].takes == ONE_HOT:
        other = f"keras.utils.to_categorical(y, {made[-1]}) for a share of every class"
    return (
        "The target has no axis of channels. Use keras.losses.SparseCategoricalCrossentropy for "
        f"numbers of classes, or {other}."
    )


def _differ_by_one_entry(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether shapes have as many axes, or one lacks a last axis of one entry."""
    shorter, longer = sorted((one, other), key=len)
    return len(shorter) == len(longer) or (len(shorter) == len(longer) - 1 and longer[-1] == 1)
