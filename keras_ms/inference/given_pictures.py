"""Checks pictures before a model restores them: shape, type and values."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

DTYPES = ("uint8", "uint16", "float16", "float32", "float64")
OF_CALLS = ("uint8", "float16", "bfloat16", "float32", "float64")
MOST = 10.0  # noise takes floats out of [0, 1], and nowhere near this
BYTES = 1000.0  # greater values are of 16 bits


def check_image(image: Any, spatial_dims: int, channels: int) -> np.ndarray:
    """An image as an array, if it is one that `restore` takes.

    Args:
        image: What was received.
        spatial_dims: Number of spatial axes that the model takes.
        channels: Channels that it takes.

    Raises:
        ValueError: If it has another shape or type, or values that are no picture's.
    """
    if np.any(np.ma.getmaskarray(image) if np.ma.isMaskedArray(image) else False):
        raise ValueError(
            "Masked pixels have no value to restore. Received: a masked array. Use "
            "image.filled(value)."
        )
    array = np.asarray(image)
    if array.ndim != spatial_dims + 1 or array.shape[-1] != channels:
        raise ValueError(
            f"The model takes images of {spatial_dims} spatial axes, then {channels} channels. "
            f"Received: an image of shape {array.shape}. {_mend_of(array, spatial_dims, channels)}"
        )
    _check_type(array.dtype, array.shape, DTYPES, "an image")
    _check_values(array, "an image")
    return array


def check_pictures(pictures: Any, spatial_dims: int, channels: int) -> None:
    """Refuses a batch that a model cannot restore, or would make white of.

    Args:
        pictures: What was received. Of a tensor within a graph the values are not known.
        spatial_dims: Number of spatial axes of a picture that the model takes.
        channels: Channels that it takes.

    Raises:
        ValueError: If the batch has another shape or type, or values that are no picture's.
    """
    if isinstance(pictures, keras.KerasTensor) or tf.is_symbolic_tensor(pictures):
        return
    array = np.asarray(pictures)
    if array.ndim != spatial_dims + 2 or array.shape[-1] != channels:
        raise ValueError(
            f"The model takes a batch of pictures: one axis of the batch, {spatial_dims} spatial "
            f"axes, {channels} channels. Received: pictures of shape {array.shape}. Use "
            "picture[np.newaxis] for a single one."
        )
    _check_type(array.dtype, array.shape, OF_CALLS, "pictures")
    _check_values(array, "pictures")


def _mend_of(array: np.ndarray, spatial_dims: int, channels: int) -> str:
    if array.ndim == spatial_dims + 2:
        return "Use restore for each image of a batch."
    if array.ndim == spatial_dims:
        return f"Use np.repeat(image[..., np.newaxis], {channels}, -1) of shades of grey."
    if array.ndim == spatial_dims + 1 and array.shape[-1] == 1:
        return f"Use np.repeat(image, {channels}, -1) of shades of grey."
    return f"Use an image of {channels} channels, its last axis, or another model."


def _check_type(dtype: np.dtype, shape: Any, names: tuple[str, ...], what: str) -> None:
    if 0 in shape or dtype.name not in names:
        of_16 = "uint16 (0 to 65535), " if "uint16" in names else ""
        kinds = f"{of_16}uint8 (0 to 255), or floats in [0, 1]"
        mend = "" if of_16 else "; of 16 bits, restore each by keras_ms.inference.restore"
        raise ValueError(
            f"A picture is of {kinds}, and is not empty. Received: {what} of {dtype}, shape "
            f"{tuple(shape)}. Use .astype('uint8') of whole numbers up to 255{mend}."
        )


def _check_values(array: np.ndarray, what: str) -> None:
    if array.dtype.kind == "u":
        return
    least, greatest = float(array.min()), float(array.max())  # NaN where any value is
    if not np.isfinite(least) or not np.isfinite(greatest):
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        raise ValueError(
            f"Pictures have finite values. Received: {what} of shape {array.shape} with {bad} "
            "values that are NaN or Inf. Use np.nan_to_num, or a picture without them."
        )
    if max(-least, greatest) > MOST:
        white, kind = (255, "uint8") if max(-least, greatest) <= BYTES else (65535, "uint16")
        raise ValueError(
            "Pictures of floats lie in [0, 1], noise may take them a little out of it. Received: "
            f"{what} of {array.dtype}, from {least:g} to {greatest:g}. Are these 0 to {white}? Use "
            f"{kind}, or divide by {white}."
        )
