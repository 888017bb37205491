"""What a model takes and returns, looked at before it leaves or restores anything."""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

ALIGNMENT = 32  # pixels; a multiple of every stride up to 32, so of UNets of up to six meshes
CONDITIONAL = {"image", "noise_level"}


class Interface(NamedTuple):
    """What goes into a model of images and comes out of it.

    Attributes:
        spatial_dims: Number of the image's spatial axes: 1, 2 or 3.
        channels: Channels of the image.
        conditional: Whether the model is told the noise level, `(batch, 1)`, too.
        scale: How many times larger the output is than the image.
        out_channels: Channels of the output.
    """

    spatial_dims: int
    channels: int
    conditional: bool
    scale: int
    out_channels: int


def functional(model: Any) -> keras.Model:
    """A plain functional model of the same layers, weights, input and output.

    Args:
        model: A functional or Sequential `keras.Model` of one image, or of a dict of `"image"` and
            `"noise_level"`, and of one output.

    Raises:
        ValueError: If it is none, or of other inputs or outputs.
    """
    taken, returned = _ends(model)
    if isinstance(taken, list | tuple) and len(taken) == 1:
        taken = taken[0]
    known = isinstance(taken, dict) and set(taken) == CONDITIONAL
    if not known and not isinstance(taken, keras.KerasTensor):
        raise ValueError(
            "`model` takes one image, or a dict of 'image' and 'noise_level'. Received: a model of "
            f"the inputs {keras.tree.map_structure(lambda t: t.shape, taken)}. Use a keras.Model "
            "of one image in which the others are constant."
        )
    outputs = keras.tree.flatten(returned)
    if len(outputs) != 1:
        raise ValueError(
            f"`model` must return one output. Received: a model of {len(outputs)}. Use "
            "keras.Model(model.input, one_of_them)."
        )
    return keras.Model(taken, outputs[0], name=model.name)


def _ends(model: Any) -> tuple[Any, Any]:
    try:
        if isinstance(model, keras.Sequential):  # has no `input` before it is first called
            return list(model.inputs), list(model.outputs)
        return model.input, model.output
    except (AttributeError, TypeError, ValueError) as error:  # not built, or a class of its own
        raise ValueError(
            "`model` must be functional, or a Sequential one with an Input, so that it is known "
            f"what goes in. Received: {model!r}. Use inputs = keras.Input((None, None, 3)) and "
            "keras.Model(inputs, model(inputs))."
        ) from error


def interface(model: keras.Model) -> Interface:
    """Looks at what `functional` returned, and runs it once on a small image.

    Raises:
        ValueError: If it is not from images of any size to images of that size or a multiple.
    """
    conditional = isinstance(model.input, dict)
    image = model.input["image"] if conditional else model.input
    _check_image(image.shape)
    spatial_dims, channels = len(image.shape) - 2, image.shape[-1]
    scales: set[int] = set()
    shape: tuple[int, ...] = ()
    for side in (ALIGNMENT, 2 * ALIGNMENT):  # one alone may be less than a stride
        small = np.zeros((1, *(side,) * spatial_dims, channels), "float32")
        shape = tuple(call(model, small, conditional).shape)
        scales.add(_scale(small.shape, shape))
    if len(scales) > 1:
        raise ValueError(
            f"`model` must have strides of at most {ALIGNMENT} pixels. Received: a model that "
            f"enlarges images of {ALIGNMENT} and {2 * ALIGNMENT} pixels by different factors."
        )
    return Interface(spatial_dims, channels, conditional, scales.pop(), shape[-1])


def call(model: Any, images: np.ndarray, conditional: bool) -> Any:
    """Runs a model on images, at the noise level .5 if it is told one."""
    level = np.full((len(images), 1), 0.5, "float32")
    # The processor: a GPU's convolutions may carry rounding errors, or NaNs, to far pixels.
    with tf.device("CPU:0"):
        inputs = {"image": images, "noise_level": level} if conditional else images
        return model(inputs, training=False)


def _check_image(shape: tuple[int | None, ...]) -> None:
    if len(shape) not in (3, 4, 5) or shape[-1] is None or set(shape[:-1]) != {None}:
        raise ValueError(
            "`model` must take images of any size and a known number of channels: (batch, height, "
            "width, channels), or one or three spatial axes. Received: a model of inputs "
            f"{shape}. Use keras.Input((None, None, channels)) where it is built."
        )


def _scale(taken: tuple[int, ...], returned: tuple[int, ...]) -> int:
    """How many times larger the output is."""
    if len(returned) == len(taken):
        scales = {large / small for large, small in zip(returned[1:-1], taken[1:-1], strict=True)}
        scale = scales.pop()
        if not scales and scale >= 1 and scale == int(scale):
            return int(scale)
    raise ValueError(
        "`model` must return something at every pixel: an output of the image's sides, or of a "
        f"whole multiple of them. Received: a model that makes {returned} of {taken}."
    )
