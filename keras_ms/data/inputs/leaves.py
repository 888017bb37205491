"""One leaf of an example, whatever it is, as a NumPy array."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_ms.data.sources.pillow_pictures import numbers, shown

SHOWN = 60  # letters of a leaf in a message
CHANNELS = (1, 3, 4)  # of pictures


def array_of(leaf: Any, part: str) -> np.ndarray:
    """A leaf as an array.

    Floats of 64 bits come in Keras's float type, as Keras makes them itself. Pictures of Pillow
    are read as their files are: in `x` palettes become colours; elsewhere they give their indices,
    which are classes, and bits give 0 and 1. Alpha is no band.

    Args:
        leaf: An array, a tensor of any library, a picture of Pillow, a number or lists of them.
        part: `"x"`, `"y"` or `"sample_weight"`.

    Raises:
        ValueError: If it holds no numbers, or more than numbers.
    """
    if isinstance(leaf, np.ma.MaskedArray):
        raise ValueError(
            "Masked arrays would lose their mask. Received: a numpy.ma.MaskedArray in "
            f"{part}. Use `.filled(value)`, and a sample_weight of 0 for what is masked."
        )
    if isinstance(leaf, Image.Image):
        leaf = _picture(leaf, part)
    if hasattr(leaf, "detach"):  # a tensor of PyTorch, perhaps one that records gradients
        leaf = leaf.detach().cpu()
        _check_channels_last(tuple(leaf.shape), part)
    try:
        array = np.asarray(leaf)
    except Exception as error:  # every library has errors of its own
        raise ValueError(
            f"A leaf of an example is no array. Received: {part} of type "
            f"{type(leaf).__name__} ({error}). Use a NumPy array or a tensor."
        ) from error
    return _numbers(array, leaf, part)


def _check_channels_last(shape: tuple[int, ...], part: str) -> None:
    """Refuses pictures, or batches of them, as PyTorch has them: `(channels, height, width)`."""
    if len(shape) in (3, 4) and shape[-3] in CHANNELS and shape[-1] not in CHANNELS:
        axes = tuple(range(len(shape) - 3))
        order = (*axes, *(len(axes) + k for k in (1, 2, 0)))
        raise ValueError(
            f"Channels are the last axis. Received: {part}, a tensor of shape {shape}, whose "
            f"channels seem to come before its sides. Use `.permute{order}`."
        )


def _numbers(array: np.ndarray, leaf: Any, part: str) -> np.ndarray:
    if array.dtype.kind in "OSUcMm":
        shown = repr(leaf)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}..."
        raise ValueError(
            f"Examples hold numbers. Received: {part} of type {type(leaf).__name__} "
            f"({array.dtype}): {shown}. Use arrays; file names are read where they are given as "
            "lists, (input_files, target_files), or by keras_ms.data.FolderPairs."
        )
    if array.dtype.kind == "f" and array.dtype.itemsize > 4:
        return array.astype(keras.config.floatx())
    return array


def _picture(picture: Image.Image, part: str) -> np.ndarray:
    try:
        found = None if part == "x" else numbers(picture)
        return shown(picture) if found is None else found
    except ValueError as error:
        raise ValueError(
            f"A picture of Pillow is of no use. Received: {part} of mode {picture.mode} and size "
            f"{picture.size}: {error}."
        ) from error
