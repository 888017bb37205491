"""Restriction: fields carried from one level to the next coarser one.

Every function takes one tensor of shape `(batch, *spatial, channels)` with 1, 2 or 3 spatial
dimensions, all sides even, and returns it with every side halved. The same code serves all
dimensions. `axes` are the spatial axes that are halved, counted from 0; the others keep their
side, which may be odd. `None` means all of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_ms.meshes import checked_axes
from keras_ms.validation import known

Tensor = Any
Axes = Sequence[int] | None


def average(field: Tensor, axes: Axes = None) -> Tensor:
    """Restricts a field by the mean of each 2 x ... x 2 block of pixels.

    Args:
        field: Floating tensor `(batch, *spatial, channels)`, sides even. (On a CPU TensorFlow
            pools neither float16 nor, in 3-D, float64.)
        axes: Spatial axes that are halved. Defaults to all.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is odd, the rank is not 3, 4 or 5, or the type is not floating.

    Example:
        >>> average(keras.ops.reshape([0.0, 2.0, 4.0, 8.0], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [1.0, 6.0]
    """
    halved = _halved(field, axes)
    if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(field.dtype)):
        raise ValueError(
            "Block averages are of floating-point fields; restrict integers such as class labels "
            f"by `stride`. Received: dtype={field.dtype}."
        )
    block = tuple(2 if axis in halved else 1 for axis in range(spatial_dims(field)))
    return keras.ops.average_pool(
        field, pool_size=block, strides=block, padding="valid", data_format="channels_last"
    )


def stride(field: Tensor, axes: Axes = None) -> Tensor:
    """Restricts a field to every second pixel along each axis, the first one kept.

    Args:
        field: Tensor `(batch, *spatial, channels)` of any type, sides even.
        axes: Spatial axes that are halved. Defaults to all.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is odd or the rank is not 3, 4 or 5.

    Example:
        >>> stride(keras.ops.reshape([0, 2, 4, 8], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [0, 4]
    """
    return field[next(_places(field, _halved(field, axes)))]


def crop(field: Tensor, axes: Axes = None) -> Tensor:
    """Restricts a field to its central window of half the sides, pixels of the same size.

    Args:
        field: Tensor `(batch, *spatial, channels)` of any type, sides divisible by 4 so that
            the window has whole margins.
        axes: Spatial axes that are halved. Defaults to all.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is not divisible by 4 or the rank is not 3, 4 or 5.

    Example:
        >>> crop(keras.ops.reshape([0, 2, 4, 8], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [2, 4]
    """
    halved, sides = _halved(field, axes, divisor=4), field.shape[1:-1]
    if any(sides[axis] is None for axis in halved):
        raise ValueError(
            "A field must have known sides to be cropped. "
            f"Received: shape={tuple(field.shape)}. Use tf.ensure_shape first."
        )
    window = [slice(None)] * len(sides)
    for axis in halved:
        window[axis] = slice(sides[axis] // 4, sides[axis] // 4 + sides[axis] // 2)
    return field[(slice(None), *window)]


def restrict_noise(noise: Tensor, axes: Axes = None) -> Tensor:
    """Restricts white noise so that it stays white noise of the same variance.

    `z_(l+1) = 2^(d/2) * mean of the block of z_l` for `d` axes that are halved: a sum of `2^d`
    independent standard normals over `2^(d/2)` is standard normal again, yet fully determined by
    the fine field, so the two levels of one term stay coupled.

    Args:
        noise: Floating tensor `(batch, *spatial, channels)`, sides even.
        axes: Spatial axes that are halved. Defaults to all.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: As `average`.

    Example:
        >>> restrict_noise(keras.random.normal((1, 64, 64, 1), seed=0)).shape
        TensorShape([1, 32, 32, 1])
    """
    return average(noise, axes) * 2.0 ** (len(_halved(noise, axes)) / 2)


def majority(mask: Tensor, axes: Axes = None) -> Tensor:
    """Restricts a mask conservatively: a coarse pixel is set if more than half of its block is.

    Args:
        mask: Tensor `(batch, *spatial, channels)` of any type, holding 0 and 1, sides even.
        axes: Spatial axes that are halved. Defaults to all.

    Returns:
        Tensor of the same type, holding 0 and 1, sides halved.

    Raises:
        ValueError: If a side is odd or the rank is not 3, 4 or 5.

    Example:
        >>> majority(keras.ops.reshape([1, 0, 1, 1], (1, 4, 1)))[0, :, 0].numpy().tolist()
        [0, 1]
    """
    share = average(keras.ops.cast(mask, "float32"), axes)
    return keras.ops.cast(share > 0.5, mask.dtype)


def plurality(field: Tensor, axes: Axes = None) -> Tensor:
    """Restricts a class map to the class that most pixels of each block have.

    No class is made that was not there, as a mean of class numbers would. Of classes that are
    equally frequent it is the one whose first pixel comes first in the block, so the top left
    pixel where all differ. Ties are common: on a straight border between two classes half of each
    block is of one and half of the other. To prefer the lower class there would let it grow along
    all its borders, and shrink the others, more on every level. The first pixel prefers none.

    What is thinner than half a block vanishes, as it does from the mean of an image, and large
    areas keep their size; `stride` keeps every second pixel of a thin line instead.

    Args:
        field: Class map `(batch, *spatial, channels)` of any type, sides even. The channels of a
            pixel are one value: of colours it is a colour that there was, and one-hot maps stay
            one-hot. Not-a-number is a value like any other.
        axes: Spatial axes that are halved. Defaults to all.

    Returns:
        Tensor of the same type, sides halved.

    Raises:
        ValueError: If a side is odd or the rank is not 3, 4 or 5.

    Example:
        >>> fine = keras.ops.reshape([7, 2, 1, 0, 2, 2, 0, 1], (1, 2, 4, 1))
        >>> plurality(fine)[0, :, :, 0].numpy().tolist()
        [[2, 1]]
    """
    field = tf.convert_to_tensor(field)
    pixels = [field[place] for place in _places(field, _halved(field, axes))]
    best, most = pixels[0], _times(pixels)
    # The last pixel is alone, or like one before it; and `>` leaves ties to the first.
    for number in range(1, len(pixels) - 1):
        times = _times(pixels[number:])
        best = tf.where(times > most, pixels[number], best)
        most = tf.maximum(times, most)
    return best


def _times(pixels: list[Tensor]) -> Tensor:
    """How often the first of some pixels is found among them, `(batch, *spatial, 1)`."""
    found = [tf.cast(_alike(pixels[0], other), tf.int8) for other in pixels[1:]]
    return sum(found, start=tf.constant(1, tf.int8))


def _alike(one: Tensor, other: Tensor) -> Tensor:
    same = tf.equal(one, other)
    if one.dtype.is_floating:
        same |= tf.math.is_nan(one) & tf.math.is_nan(other)
    return tf.reduce_all(same, axis=-1, keepdims=True)


_RESTRICTIONS: dict[str, Callable[..., Tensor]] = {
    "average": average,
    "stride": stride,
    "crop": crop,
    "plurality": plurality,
}


def get(name: str) -> Callable[..., Tensor]:
    """Returns the restriction called `name`: `"average"`, `"stride"`, `"crop"` or `"plurality"`.

    Args:
        name: The name.

    Returns:
        A function of a field and, if not all of them are to be halved, the axes.

    Raises:
        ValueError: If there is none of that name.

    Example:
        >>> get("stride") is stride
        True
    """
    return _RESTRICTIONS[known(name, _RESTRICTIONS, "restriction", "restriction")]


def spatial_dims(field: Tensor) -> int:
    """Number of spatial dimensions of a field.

    Args:
        field: Tensor `(batch, *spatial, channels)`.

    Returns:
        1, 2 or 3.

    Example:
        >>> spatial_dims(keras.ops.zeros((1, 8, 8, 3)))
        2
    """
    return len(field.shape) - 2


def _places(field: Tensor, halved: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Where the first pixels of all blocks are, where the second ones, and so on."""
    along: list[tuple[slice, ...]] = [(slice(None),)] * len(field.shape)
    for axis in halved:
        along[1 + axis] = (slice(0, None, 2), slice(1, None, 2))
    return itertools.product(*along)


def _halved(field: Tensor, axes: Axes, divisor: int = 2) -> tuple[int, ...]:
    dims, shape = spatial_dims(field), tuple(field.shape)
    if dims not in (1, 2, 3):
        raise ValueError(
            "A field has the shape (batch, *spatial, channels) with 1, 2 or 3 spatial dimensions. "
            f"Received: shape={shape}."
        )
    halved = checked_axes(axes, dims)
    if any(shape[1 + axis] is not None and shape[1 + axis] % divisor for axis in halved):
        raise ValueError(
            f"Sides must be divisible by {divisor} to be halved. "
            f"Received: shape={shape}, axes={halved}. Crop or pad the field first."
        )
    return halved


__all__ = [
    "average",
    "crop",
    "get",
    "majority",
    "plurality",
    "restrict_noise",
    "spatial_dims",
    "stride",
]
