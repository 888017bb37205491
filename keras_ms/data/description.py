"""What a dataset makes of its examples, in words and as a picture."""

from __future__ import annotations

import dataclasses
import io
import math
import os
from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_ms.data import geometry
from keras_ms.data.cutting import restricted_by
from keras_ms.data.own_errors import batches_of
from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.roles import Leaf

_SHOWN = 3
_TILE = 128
_MARGIN = 4
_HOW = {
    "average": "averaged to",
    "plurality": "the most frequent class of each block on",
    "stride": "every second pixel on",
}
_COLOURS = np.random.default_rng(5).integers(40, 256, (256, 3)).astype(np.uint8)


@dataclasses.dataclass(frozen=True)
class Description:
    """What a dataset makes of its examples; prints as its lines.

    Attributes:
        lines: One per tensor of an example, and what is known of the examples altogether.
        roles: What every tensor is, by name; empty with a task.
        picture: A row per level, finest first, of some examples: `(height, width, 3)`, uint8.
    """

    lines: tuple[str, ...]
    roles: dict[str, str]
    picture: np.ndarray

    def __str__(self) -> str:
        """The lines."""
        return "\n".join(self.lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the picture; the suffix says as what, `.png` for example."""
        Image.fromarray(self.picture).save(path)

    def _repr_png_(self) -> bytes:
        """The picture as notebooks show it."""
        written = io.BytesIO()
        Image.fromarray(self.picture).save(written, "PNG")
        return written.getvalue()


def described(dataset: Any) -> Description:
    """The description of a `MultiscaleDataset`."""
    leaves = dataset.pairs.leaves if dataset.pairs else ()
    lines = (*lines_of(dataset), levels_line(dataset))
    return Description(lines, {leaf.name: leaf.role for leaf in leaves}, picture_of(dataset))


def lines_of(dataset: Any) -> tuple[str, ...]:
    """A line for every tensor of a user's own examples, and one for all; none with a task."""
    if dataset.pairs is None:
        return ()
    specs = [keras.tree.flatten(dataset.pair_spec(lv)) for lv in range(dataset.levels.num_levels)]
    by_leaf = zip(dataset.pairs.leaves, zip(*specs, strict=True), strict=True)
    words = geometry.words(dataset.coarsening, dataset.levels.num_levels)
    lines = [_line(leaf, made, dataset.pairs, set(words)) for leaf, made in by_leaf]
    return (*lines, _examples_line(dataset.pairs))


def _examples_line(pairs: PairBatches) -> str:
    reading, length = pairs.reading, pairs.examples.length
    known = length is not None and length != math.inf
    number = f"{reading.count or length:g}" if reading.count or known else "as many as come"
    if not reading.keeps:
        kept = "read anew in every pass"
    else:
        kept = "read once and kept, visited in shuffled order"
    changed = [
        name
        for name, is_on in (
            ("random crops", not pairs.whole),
            ("flips", pairs.flip),
            ("turns", pairs.rotate),
            ("augment", pairs.augment is not None),
        )
        if is_on
    ]
    note = f"; {pairs.examples.note}" if pairs.examples.note else ""
    return f"examples: {number}, {kept}; {', '.join(changed) or 'nothing'} drawn at random{note}"


def levels_line(dataset: Any) -> str:
    """The levels: mesh and batch sizes, finest first."""
    meshes = ", ".join(_sides(mesh) for mesh in dataset.mesh_sizes)
    return f"levels: {meshes} in batches of {', '.join(map(str, dataset.levels.batch_sizes))}"


def _how(leaf: Leaf, pairs: PairBatches, words: set[str]) -> str:
    """How the coarser levels of a field come about, under these coarsenings."""
    cropped = words & {"crop", "coarsen_and_crop"}
    if words == {"crop"}:
        return "the middle of it,"
    how = _HOW[restricted_by(leaf, pairs.restriction)]
    return f"its middle, or {how}" if cropped else how


def _line(leaf: Leaf, made: Any, pairs: PairBatches, words: set[str]) -> str:
    role = leaf.role.replace("_", " ")
    shape = _sides(["?" if side is None else side for side in leaf.shape]) or "one number"
    line = f"{leaf.name}: {role} {shape} of {leaf.dtype.name} ({leaf.reason})"
    if leaf.role == "coordinates":
        return f"{line}, halved from level to level"
    if leaf.ratio is None:
        return f"{line}, the same on every level"
    dims = len(pairs.sides)
    sides = [_sides(spec.shape[1 : 1 + dims]) for spec in made]
    cut = "" if _sides(leaf.shape[:dims]) == sides[0] else f", crops of {sides[0]}"
    levels = f", {_how(leaf, pairs, words)} {', '.join(sides[1:])}" if sides[1:] else ""
    comes = "" if made[0].dtype == leaf.dtype else f", as {made[0].dtype.name}"
    values = pairs.examples.ranges.get(leaf.name)
    scaled = "" if values is None else f", values {values[0]:g} to {values[1]:g} as 0 to 1"
    return line + cut + levels + comes + scaled


def _sides(sides: Any) -> str:
    return "x".join(map(str, sides))


def picture_of(dataset: Any) -> np.ndarray:
    """Examples on every level, finest first: inputs and targets side by side."""
    rows = []
    for level in range(dataset.levels.num_levels):
        size = min(_SHOWN, dataset.levels.batch_sizes[level])
        pair = next(batches_of(dataset, level, batch_sizes=(size,))).fine[level]
        tiles = [tile for leaf in keras.tree.flatten(pair) for tile in _tiles(np.asarray(leaf))]
        rows.append(_joined(tiles, axis=1) if tiles else np.zeros((1, 1, 3), np.uint8))
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(r, ((0, 0), (0, width - r.shape[1]), (0, 0)), constant_values=255) for r in rows]
    return _joined(rows, axis=0)


def _tiles(batch: np.ndarray) -> list[np.ndarray]:
    """A tile per image of a batch; none of what is no image."""
    fields = batch.ndim >= 3 and batch.size > 0 and batch.dtype.kind in "biuf"
    return [_tile(one, batch) for one in batch] if fields else []


def _tile(image: np.ndarray, batch: np.ndarray) -> np.ndarray:
    if image.ndim == 2 and batch.dtype.kind == "f":
        image = image[..., np.newaxis]
    while image.ndim > 3 or (image.ndim == 3 and image.shape[-1] > 4 and image.dtype.kind != "f"):
        image = image[len(image) // 2]  # the middle of a volume
    if image.dtype.kind in "biu":
        classes = image if image.ndim == 2 else image[..., 0]
        colours = _COLOURS[classes.astype(np.int64) % len(_COLOURS)]
    else:
        low, high = float(batch.min()), float(batch.max())
        shades = (image - low) / ((high - low) or 1.0)
        bands = shades[..., :3] if image.shape[-1] >= 3 else np.repeat(shades[..., :1], 3, -1)
        colours = np.round(255.0 * bands).astype(np.uint8)
    return _sized(colours)


def _sized(tile: np.ndarray) -> np.ndarray:
    # Pixels stay squares: levels are recognised by them.
    times = max(1, _TILE // max(tile.shape[:2]))
    thinned = max(1, math.ceil(max(tile.shape[:2]) / (4 * _TILE)))
    return tile[::thinned, ::thinned].repeat(times, axis=0).repeat(times, axis=1)


def _joined(tiles: list[np.ndarray], axis: int) -> np.ndarray:
    side = max(tile.shape[1 - axis] for tile in tiles)
    framed = []
    for tile in tiles:
        pads = [(0, 0), (0, 0), (0, 0)]
        pads[1 - axis], pads[axis] = (0, side - tile.shape[1 - axis]), (0, _MARGIN)
        framed.append(np.pad(tile, pads, constant_values=255))
    return np.concatenate(framed, axis=axis)
