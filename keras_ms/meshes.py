"""Sides of meshes: which axes are halved from level to level, and how often. Pure Python."""

from __future__ import annotations

import numbers
from collections.abc import Sequence

from keras_ms.validation import positive_integers, shown

USUAL_DIMS = 2
"""Spatial dimensions where nothing tells."""
MOST_DIMS = 3
"""The most spatial dimensions that there are."""
MIN_COARSEST_SIDE = 8
"""Smallest coarsest mesh accepted, in pixels a side: below it zero padding is most of the image."""
USUAL_COARSEST_SIDE = 16
"""Smallest coarsest mesh that suits a residual network of 3x3 convolutions."""


def checked_axes(
    axes: Sequence[int] | None, spatial_dims: int, name: str = "axes"
) -> tuple[int, ...]:
    """The axes of a mesh that are halved, in order, as integers.

    Args:
        axes: Spatial axes, counted from 0: of a video `(batch, frames, height, width, channels)`
            height and width are 1 and 2. `None` means all. Negative ones are refused: they would
            mean another axis as soon as the number of dimensions is another.
        spatial_dims: Number of spatial dimensions.
        name: What the argument is called.

    Raises:
        ValueError: If there is none, one is repeated, or one is no axis.

    Example:
        >>> checked_axes((2, 1), 3), checked_axes(None, 2)
        ((1, 2), (0, 1))
    """
    if axes is None:
        return tuple(range(spatial_dims))
    given = tuple(axes) if hasattr(axes, "__iter__") else ()
    whole = all(isinstance(a, numbers.Integral) and not isinstance(a, bool) for a in given)
    if (
        not given
        or not whole
        or len(set(given)) < len(given)
        or not set(given) <= set(range(spatial_dims))
    ):
        raise ValueError(
            f"`{name}` are different spatial axes, counted from 0 to {spatial_dims - 1} without "
            f"batch and channels. Received: {name}={shown(axes)}. Use for example (1, 2) for "
            "height and width of a video (frames, height, width, channels), or None for all axes."
        )
    return tuple(sorted(int(a) for a in given))


def checked_dims(
    spatial_dims: int | None, axes: Sequence[int] | None
) -> tuple[int | None, tuple[int, ...] | None]:
    """The number of dimensions, and the axes that are halved: `None` where unset, or all.

    All axes and none named are one thing, so both come out as `None`.

    Raises:
        ValueError: If there are other than 1 to 3 dimensions, or axes are not of theirs.
    """
    integer = isinstance(spatial_dims, numbers.Integral) and not isinstance(spatial_dims, bool)
    if spatial_dims is not None and not (integer and 1 <= spatial_dims <= MOST_DIMS):
        raise ValueError(
            f"Images have 1, 2 or 3 dimensions. Received: spatial_dims={shown(spatial_dims)}."
        )
    dims = None if spatial_dims is None else int(spatial_dims)
    halved = checked_axes(axes, dims or MOST_DIMS, "spatial_axes")
    return dims, None if axes is None or len(halved) == dims else halved


def sides_of(
    image_size: int | Sequence[int], spatial_dims: int | None, otherwise: int = USUAL_DIMS
) -> tuple[int, ...]:
    """The sides of a mesh from what an image size was given as.

    Args:
        image_size: One side per spatial dimension, or one integer for all.
        spatial_dims: Their number; `None` if it is as many as there are sides.
        otherwise: How many sides one integer then stands for.

    Raises:
        ValueError: If they are no positive integers or not as many as there are dimensions.
    """
    one_for_all = isinstance(image_size, numbers.Integral)
    sides = positive_integers(
        (image_size,) * (spatial_dims or otherwise) if one_for_all else image_size
    )
    if len(sides) not in ((spatial_dims,) if spatial_dims else range(1, MOST_DIMS + 1)):
        raise ValueError(
            f"An image size has {spatial_dims or '1, 2 or 3'} positive integer sides. "
            f"Received: image_size={shown(image_size)}."
        )
    return sides


def mesh_sizes(
    sides: tuple[int, ...], num_levels: int, axes: Sequence[int]
) -> tuple[tuple[int, ...], ...]:
    """Sides of the mesh of every level, in pixels, finest first.

    Args:
        sides: Sides of the finest mesh.
        num_levels: Number of levels.
        axes: Axes that are halved from level to level; the others keep their side.

    Raises:
        ValueError: If a side that is halved is not divisible by `2**(num_levels - 1)`, or less
            than 8 pixels would be left of it.
    """
    factor = 2 ** (num_levels - 1)
    least = min(sides[axis] for axis in axes)
    if least // factor < (MIN_COARSEST_SIDE if factor > 1 else 1):
        most = max(1, (least // MIN_COARSEST_SIDE).bit_length())
        raise ValueError(
            f"Too many levels for the image size: the coarsest mesh would have a side of "
            f"{least // factor} px, under {MIN_COARSEST_SIDE} px. "
            f"Received: levels={num_levels}, image size {sides}{_told(sides, axes)}. "
            f"Use at most {most} levels, or larger images.{_without_channels(sides)}"
        )
    if any(sides[axis] % factor for axis in axes):
        nearest = tuple(s - s % factor if axis in axes else s for axis, s in enumerate(sides))
        raise ValueError(
            f"Every side must be divisible by 2**(levels - 1) = {factor}. Received: levels="
            f"{num_levels}, image size {sides}{_told(sides, axes)}. Use {nearest}, for example."
        )
    return tuple(
        tuple(side >> level if axis in axes else side for axis, side in enumerate(sides))
        for level in range(num_levels)
    )


def most_levels(sides: tuple[int, ...], axes: Sequence[int]) -> int:
    """How many levels there can be, 16 pixels or more a side that is halved on the coarsest."""
    depth = 1
    while all(
        sides[a] % 2**depth == 0 and sides[a] // 2**depth >= USUAL_COARSEST_SIDE for a in axes
    ):
        depth += 1
    return depth


def _without_channels(sides: tuple[int, ...]) -> str:
    likely = len(sides) == MOST_DIMS and sides[-1] <= 4 < min(sides[:-1])
    return f" An image size is of pixels. Leave out the channels: {sides[:-1]}." if likely else ""


def _told(sides: tuple[int, ...], axes: Sequence[int]) -> str:
    return "" if len(axes) == len(sides) else f", halved along axes {tuple(axes)} alone"
