"""Whether targets have the sides of the network's outputs: else Keras says so in a trace."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import keras
import tensorflow as tf

from keras_ms.gradients.losses_of_targets import loss_of


def place_named(model: Any, name: str, place: int) -> int:
    """Number of the output that a target belongs to: by its name, else by its place."""
    names = getattr(model, "output_names", None) or []
    last = name.split("/")[-1]
    return names.index(last) if last in names else place


def check_sides(
    model: Any,
    name: str,
    output: Any,
    target: Any,
    dims: int,
    level: int,
    shapes: Any,
    is_map: bool = False,
) -> None:
    """Checks that an output and its target lie over each other.

    Maps without an axis of channels are given to the loss, since one of the user's own may take
    maps of another size.

    Args:
        model: The model; of its losses that of the target is taken, if it has one.
        name: Of the target.
        output: The output, with the sides that it has for an input of the target.
        target: Spec of the target, batched.
        dims: Spatial dimensions of the images.
        level: Number of the level, for the message.
        shapes: Of its inputs, likewise.
        is_map: Whether the target is one of the user's own that is seen as a map.

    Raises:
        ValueError: If their sides differ.
    """
    made, wanted = tuple(output.shape), tuple(target.shape)
    maps = len(made) == dims + 2 and len(wanted) in (dims + 1, dims + 2)
    flat = is_map and len(made) == len(wanted) == dims + 1
    if not (maps or flat) or made[1 : dims + 1] == wanted[1 : dims + 1]:
        return
    if maps and len(wanted) == dims + 1 and _takes(_loss(model, name), output, target):
        return
    no_map = f" If {name} is no map, say so: roles={{'{name}': 'label'}}." if is_map else ""
    raise ValueError(
        f"The network's output and the target have incompatible sizes on level {level}. Received: "
        f"output {made}, target {wanted} for an input {shapes}"
        f"{_ratio(name, made[1 : dims + 1], wanted[1:])}. Resize {name} to the output's sides, "
        "class maps by the nearest pixel; or end the network at those of the target: by its "
        f"strides, its padding or a keras.layers.UpSampling layer.{no_map}"
    )


def _ratio(name: str, made: tuple[Any, ...], wanted: tuple[Any, ...]) -> str:
    """How many times larger or smaller all sides of a target are, in words, if that is so."""
    sides = list(zip(wanted, made, strict=False))
    if not all(side and of for side, of in sides):
        return ""
    ratio, *others = {Fraction(side, of) for side, of in sides}
    whole = not others and 1 in (ratio.numerator, ratio.denominator)
    return f"; {name} has {ratio} times the output's sides" if whole else ""


def _loss(model: Any, name: str) -> Any:
    """The loss of a target, if it was given to `compile`."""
    own = type(model).compute_loss is not keras.Model.compute_loss
    if own or not getattr(model, "compiled", False) or model.loss is None:
        return None
    return loss_of(model, name.split("/")[1:])


def _takes(loss: Any, output: Any, target: Any) -> bool:
    """Whether a loss runs on such tensors; it is not said to, if there is none to ask."""
    if loss is None:
        return True

    def value(y: Any, made: Any) -> Any:
        return keras.losses.get(loss)(y, made)

    size = target.shape[0]
    specs = [
        tf.TensorSpec(target.shape, target.dtype),
        tf.TensorSpec((size, *output.shape[1:]), output.dtype),
    ]
    try:
        tf.function(value, autograph=False).get_concrete_function(*specs)
    except Exception:  # whatever the loss raises
        return False
    return True
