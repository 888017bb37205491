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
from keras_ms.data.examples_line import examples_line
from keras_ms.data.own_errors import batches_of
from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.roles import Leaf
from keras_ms.levels import Stage

OF_TARGETS = "a target of "
"""How reasons begin that a loss may overrule: those of the type."""
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
        lines: One per tensor of an example, what is known of the examples altogether, the levels;
            then what the last `fit` decided and trained, or what one is yet to decide.
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
    """The description of a `MultiscaleDataset`: as it was trained on, if it was."""
    fit = dataset.last_fit
    seen = dataset if fit is None else fit.dataset
    leaves = seen.pairs.leaves if seen.pairs else ()
    lines = [*lines_of(seen), levels_line(seen)]
    lines += open_lines(seen) if fit is None else [*fit.lines, fit.line]
    return Description(tuple(lines), {leaf.name: leaf.role for leaf in leaves}, picture_of(seen))


def lines_of(dataset: Any) -> tuple[str, ...]:
    """A line for every tensor of a user's own examples, and one for all; none with a task."""
    if dataset.pairs is None:
        return ()
    specs = [keras.tree.flatten(dataset.pair_spec(lv)) for lv in range(dataset.levels.num_levels)]
    by_leaf = zip(dataset.pairs.leaves, zip(*specs, strict=True), strict=True)
    words = geometry.words(dataset.coarsening, dataset.levels.num_levels)
    lines = [_line(leaf, made, dataset.pairs, set(words)) for leaf, made in by_leaf]
    return (*lines, examples_line(dataset.pairs))


def levels_line(dataset: Any) -> str:
    """The levels: mesh and batch sizes, finest first; of every stage where they are its own."""
    meshes, sizes = [_sides(mesh) for mesh in dataset.mesh_sizes], dataset.levels.batch_sizes
    listed = ", ".join(meshes)
    usual = all(
        stage == (level, sizes[level : level + len(stage.batch_sizes)], (), ())
        for level, stage in enumerate(dataset.stages)
    )
    if usual:
        return f"levels: {listed} in batches of {', '.join(map(str, sizes))}"
    stages = [
        f"from {meshes[level]} on {_stage(stage) if stage.finest == level else 'as before'}"
        for level, stage in enumerate(dataset.stages)
    ]
    return f"levels: {listed}; {'; '.join(stages)}"


def _stage(stage: Stage) -> str:
    """What a step of a stage holds, in words."""
    told = f"in batches of {', '.join(map(str, stage.batch_sizes))}"
    if stage.control_weights:
        weights = ", ".join(f"{weight:.2f}" for weight in stage.control_weights)
        told += f" with control weights {weights}"
    if stage.refresh:
        told += f", computed anew every {', '.join(map(str, stage.refresh))} steps"
    return told


def open_lines(dataset: Any) -> list[str]:
    """What `fit` is yet to decide, a line each."""
    lines = []
    if dataset.allocation == "measured":
        lines.append("levels='auto': fit measures gradients and decides the batches")
    if dataset.coarsening == geometry.AUTO:
        lines.append("coarsening='auto': fit measures gradients and decides; 'task' until then")
    leaves = dataset.pairs.leaves if dataset.pairs else ()
    judged = [leaf.name for leaf in leaves if leaf.reason.startswith(OF_TARGETS)]
    if judged:
        lines.append(f"no fit yet: its loss may take {', '.join(judged)} for something else")
    return lines


def _how(leaf: Leaf, pairs: PairBatches, words: set[str]) -> str:
    """How the coarser levels of a field come about, under these coarsenings."""
    cropped = words & {"crop", "coarsen_and_crop"}
    if words == {"crop"}:
        return "the middle of it,"
    how = _HOW[restricted_by(leaf, pairs.restriction)]
    return f"its middle, or {how}" if cropped else how


def _line(leaf: Leaf, made: Any, pairs: PairBatches, words: set[str]) -> str:
    role = leaf.role.replace("_", " ")
    shape = pairs.shape_of(leaf)
    size = _sides(["?" if side is None else side for side in shape]) or "one number"
    line = f"{leaf.name}: {role} {size} of {leaf.dtype.name} ({leaf.reason})"
    if leaf.role == "coordinates":
        return f"{line}, halved from level to level"
    if leaf.ratio is None:
        return f"{line}, the same on every level"
    dims = len(pairs.sides)
    sides = [_sides(spec.shape[1 : 1 + dims]) for spec in made]
    cut = "" if _sides(shape[:dims]) == sides[0] else f", crops of {sides[0]}"
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
