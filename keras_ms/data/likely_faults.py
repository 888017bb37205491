"""What examples look like that are handed over otherwise than they are meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_COLOURS = 4
"""So short an axis is one of colours."""
_BANDS = 32
_PICTURE = 16
"""Pixels from which on a square looks like a picture."""
_ALIKE = 1.2
"""How much shapes may differ in their proportions, and still look alike."""


def check_channel_axis(specs: Mapping[str, Any], dims: int) -> None:
    """Refuses pictures, or volumes, without an axis of channels: a side would be taken for it.

    Args:
        specs: Specs of an example by name of leaf.
        dims: Spatial dimensions that follow from the number of axes.

    Raises:
        ValueError: If an input looks like one.
    """
    targets = [spec for name, spec in specs.items() if name.startswith("y")]
    for name, spec in specs.items():
        shape = tuple(spec.shape)
        if not name.startswith("x") or len(shape) != dims + 1 or dims not in (1, 2):
            continue
        least = min(side or _PICTURE for side in shape)
        square = dims == 1 and len(set(shape)) == 1 and least >= _PICTURE
        of_bytes = spec.dtype.name == "uint8" and (shape[-1] or _PICTURE) > (
            MOST_COLOURS if dims == 1 else _BANDS
        )
        cube = dims == 2 and (shape[-1] or 0) >= _PICTURE and shape[-1] == shape[-2]
        same = any(
            tuple(target.shape) == shape and not target.dtype.is_floating for target in targets
        )
        maps = (shape[:2], (*shape[:2], 1))
        if dims == 2 and any(tuple(target.shape) in maps for target in targets):
            continue  # a target lies on the first two axes
        if square or cube or of_bytes or (same and least >= _PICTURE):
            kinds = ("signals", "pictures") if dims == 1 else ("pictures", "volumes")
            raise ValueError(
                f"Examples look like {kinds[1]} without an axis of channels, of which the last "
                f"side would be taken for channels. Received: {name} of shape {shape}, "
                f"{spec.dtype.name}. Use x[..., np.newaxis]; or levels=keras_ms.Levels("
                f"batch_sizes, spatial_dims={dims}) if they are {kinds[0]} of {shape[-1]} channels."
            )


def lacking_channels(shapes: Mapping[str, tuple[int, ...]], dims: int) -> str:
    """What to do about inputs that may lack their axis of channels; empty if none does.

    Args:
        shapes: Shapes of an example by name of leaf.
        dims: Spatial dimensions.
    """
    if not any(
        name.startswith("x") and len(shape) == dims and min(shape, default=0) > MOST_COLOURS
        for name, shape in shapes.items()
    ):
        return ""
    return "Use x[..., np.newaxis] if the axis of channels is missing. "


def check_no_map(name: str, shape: tuple[int, ...], mesh: tuple[int, ...]) -> None:
    """Refuses what looks like a map of the mesh, and would stay in fine pixels on every level.

    Args:
        name: Of the leaf.
        shape: Of an array that does not lie on the mesh.
        mesh: Sides of the mesh.

    Raises:
        ValueError: If its sides are those of the mesh but for one, have their proportions or are
            divided from them one by one, or if it lacks the first of the mesh's axes.
    """
    large = len(shape) == len(mesh) > 1 and min(shape) >= _PICTURE // 2
    flat = len(mesh) == 3 and shape[:2] == mesh[1:] and min(mesh[1:]) >= _PICTURE // 2
    if flat or (large and _akin(shape, mesh)):
        raise ValueError(
            "Input and target have incompatible sizes: one must be the other's times a whole "
            f"number, the same along every axis. Received: {name} of shape {shape} beside "
            f"sides {mesh}. Resize it, or repeat it along the axis that it lacks. If {name} is no "
            f"map, say so: roles={{'{name}': 'label'}}."
        )


def _akin(sides: tuple[int, ...], mesh: tuple[int, ...]) -> bool:
    both = list(zip(sides, mesh, strict=True))
    proportions = [side / whole for side, whole in both]
    alike = max(proportions) <= _ALIKE * min(proportions)
    divided = all(max(pair) % min(pair) == 0 for pair in both)
    return alike or divided or any(side == whole for side, whole in both)
