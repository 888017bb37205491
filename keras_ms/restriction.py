"""Restriction: fields carried from one level to the next coarser one.

Every function takes one tensor of shape `(batch, *spatial, channels)` with 1, 2 or 3 spatial
dimensions, all sides even, and returns it with every side halved. The same code serves all
dimensions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_ms.validation import known

Tensor = Any


def average(field: Tensor) -> Tensor:
    """Restricts a field by the mean of each 2 x ... x 2 block of pixels.

    Args:
        field: Floating tensor `(batch, *spatial, channels)`, sides even. (On a CPU TensorFlow
            pools neither float16 nor, in 3-D, float64.)

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is odd, the rank is not 3, 4 or 5, or the type is not floating.

    Example:
        >>> average(keras.ops.reshape([0.0, 2.0, 4.0, 8.0], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [1.0, 6.0]
    """
    _check_sides(field)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(field.dtype)):
        raise ValueError(
            "Block averages are of floating-point fields; restrict integers such as class labels "
            f"by `stride`. Received: dtype={field.dtype}."
        )
    return keras.ops.average_pool(
        field, pool_size=2, strides=2, padding="valid", data_format="channels_last"
    )


def stride(field: Tensor) -> Tensor:
    """Restricts a field to every second pixel along each axis, the first one kept.

    Args:
        field: Tensor `(batch, *spatial, channels)` of any type, sides even.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is odd or the rank is not 3, 4 or 5.

    Example:
        >>> stride(keras.ops.reshape([0, 2, 4, 8], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [0, 4]
    """
    _check_sides(field)
    return field[(slice(None), *(slice(None, None, 2),) * spatial_dims(field))]


def crop(field: Tensor) -> Tensor:
    """Restricts a field to its central window of half the sides, pixels of the same size.

    Args:
        field: Tensor `(batch, *spatial, channels)` of any type, sides divisible by 4 so that
            the window has whole margins.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is not divisible by 4 or the rank is not 3, 4 or 5.

    Example:
        >>> crop(keras.ops.reshape([0, 2, 4, 8], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [2, 4]
    """
    _check_sides(field, divisor=4)
    sides = field.shape[1:-1]
    if None in sides:
        raise ValueError(
            "A field must have known sides to be cropped. "
            f"Received: shape={tuple(field.shape)}. Use tf.ensure_shape first."
        )
    window = tuple(slice(side // 4, side // 4 + side // 2) for side in sides)
    return field[(slice(None), *window)]


def restrict_noise(noise: Tensor) -> Tensor:
    """Restricts white noise so that it stays white noise of the same variance.

    `z_(l+1) = 2^(d/2) * mean of the block of z_l`: a sum of `2^d` independent standard normals
    over `2^(d/2)` is standard normal again, yet fully determined by the fine field, so the two
    levels of one term stay coupled.

    Args:
        noise: Floating tensor `(batch, *spatial, channels)`, sides even.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: As `average`.

    Example:
        >>> restrict_noise(keras.random.normal((1, 64, 64, 1), seed=0)).shape
        TensorShape([1, 32, 32, 1])
    """
    return average(noise) * 2.0 ** (spatial_dims(noise) / 2)


def majority(mask: Tensor) -> Tensor:
    """Restricts a mask conservatively: a coarse pixel is set if more than half of its block is.

    Args:
        mask: Tensor `(batch, *spatial, channels)` of any type, holding 0 and 1, sides even.

    Returns:
        Tensor of the same type, holding 0 and 1, sides halved.

    Raises:
        ValueError: If a side is odd or the rank is not 3, 4 or 5.

    Example:
        >>> majority(keras.ops.reshape([1, 0, 1, 1], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [0, 1]
    """
    share = average(keras.ops.cast(mask, "float32"))
    return keras.ops.cast(share > 0.5, mask.dtype)


_RESTRICTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "average": average,
    "stride": stride,
    "crop": crop,
}


def get(name: str) -> Callable[[Tensor], Tensor]:
    """Returns the restriction called `name`: `"average"`, `"stride"` or `"crop"`.

    Raises:
        ValueError: If there is none of that name.
    """
    return _RESTRICTIONS[known(name, _RESTRICTIONS, "restriction", "restriction")]


def spatial_dims(field: Tensor) -> int:
    """Number of spatial dimensions of a `(batch, *spatial, channels)` tensor."""
    return len(field.shape) - 2


def _check_sides(field: Tensor, divisor: int = 2) -> None:
    sides = tuple(field.shape[1:-1])
    if spatial_dims(field) not in (1, 2, 3):
        raise ValueError(
            "A field has the shape (batch, *spatial, channels) with 1, 2 or 3 spatial dimensions. "
            f"Received: shape={tuple(field.shape)}."
        )
    if any(side is not None and side % divisor for side in sides):
        raise ValueError(
            f"Sides must be divisible by {divisor} to be halved. "
            f"Received: shape={tuple(field.shape)}. Crop or pad the field first."
        )
