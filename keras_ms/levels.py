"""The hierarchy of meshes: batch sizes, mesh sizes and work units. Pure Python."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from keras_ms import meshes, notebooks
from keras_ms.meshes import MIN_COARSEST_SIDE as MIN_COARSEST_SIDE
from keras_ms.validation import checked_weights as checked_weights
from keras_ms.validation import positive_integers, shown


class Stage(NamedTuple):
    """What the steps of an epoch hold.

    Attributes:
        finest: Finest active level.
        batch_sizes: Batch sizes of the terms of the telescoping sum from there on, finest first;
            a single one is a plain batch on level `finest`.
        control_weights: How often each coarser level counts, one per pair of the stage's levels,
            finest first; empty if all count once.
        refresh: Every how many steps each term is computed anew, finest first; empty if all are in
            every step.
    """

    finest: int
    batch_sizes: tuple[int, ...]
    control_weights: tuple[float, ...] = ()
    refresh: tuple[int, ...] = ()


def pair_costs(alone: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """The table of what a sample costs, `(alone, pair)` per level, from what it costs alone.

    A pair is the sample on its level and on the next coarser, as in a term of the telescoping sum;
    the coarsest level has no coarser. `(1.0, 0.25)` gives `((1.0, 1.25), (0.25, 0.25))`.
    """
    return tuple((own, own + next_) for own, next_ in zip(alone, (*alone[1:], 0.0), strict=True))


@dataclasses.dataclass(frozen=True)
class Levels:
    """Meshes of a multiscale hierarchy, finest first, and what an iteration on them costs.

    Level 0 is the finest mesh; level `l` has pixels `2**l` times as wide. `batch_sizes[l]` is
    `N_l`, the number of samples in the term whose *fine* side is level `l`. Cost is counted in
    **work units** (WU): one evaluation of the model on one image of the finest mesh. An image
    of level `l` costs `2**(-d * l)` WU for `d` axes that are halved (appendix C of Ahamed et
    al., TMLR 2026, https://arxiv.org/abs/2501.12739).

    Args:
        batch_sizes: Samples per term, finest first, positive, one per level. Cheap coarse
            levels usually have the larger batches; a tuple that decreases from level to level is
            accepted with a warning, since it looks like coarsest first. Defaults to the paper's
            `(16, 32, 64, 128)`.
        spatial_dims: Spatial dimensions of the images: 1, 2 or 3. `None`, the default, leaves
            that to the data: a `MultiscaleDataset` finds it. Without data it counts as 2.
        spatial_axes: Which of the spatial axes are halved from level to level, counted from 0.
            `(1, 2)` coarsens height and width of a video `(frames, height, width, channels)` and
            keeps its frames. Defaults to all. Negative axes are refused.

    Raises:
        ValueError: If there is no level, a batch size is not a positive integer,
            `spatial_dims` is not 1, 2 or 3, or `spatial_axes` are no different axes of so many.

    Example:
        >>> levels = Levels((16, 32, 64, 128))
        >>> [levels.work_units(finest) for finest in range(4)]
        [37.0, 17.0, 7.0, 2.0]
        >>> levels.full_multiscale_work_units((250, 500, 1000, 2000))
        28750.0
        >>> Levels((2, 4), spatial_axes=(1, 2)).mesh_sizes((8, 32, 32))
        ((8, 32, 32), (8, 16, 16))
    """

    batch_sizes: tuple[int, ...] = (16, 32, 64, 128)
    spatial_dims: int | None = None
    spatial_axes: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        sizes = positive_integers(self.batch_sizes)
        if not sizes:
            raise ValueError(
                "Batch sizes are positive integers, one per level, finest first. "
                f"Received: batch_sizes={shown(self.batch_sizes)}. Use for example (16, 32, 64, "
                "128)."
            )
        object.__setattr__(self, "batch_sizes", sizes)
        self._know(self.spatial_dims)
        # Measured allocations may fall here and there, but hardly all along.
        if len(sizes) > 1 and list(sizes) == sorted(set(sizes), reverse=True):
            warnings.warn(
                "Batch sizes are read finest first, and coarse levels, where samples are cheap, "
                f"usually have the larger ones. Received: {sizes}. Did you mean {sizes[::-1]}?",
                stacklevel=3,
            )

    @property
    def num_levels(self) -> int:
        """Number of levels `L`."""
        return len(self.batch_sizes)

    @property
    def dims(self) -> int:
        """Spatial dimensions that count: `spatial_dims`, or if unset the 2 that are usual."""
        least = max(self.spatial_axes or (0,)) + 1
        return self.spatial_dims or max(meshes.USUAL_DIMS, least)

    @property
    def axes(self) -> tuple[int, ...]:
        """Spatial axes that are halved from level to level, counted from 0."""
        return meshes.checked_axes(self.spatial_axes, self.dims)

    def fitted(self, spatial_dims: int) -> Levels:
        """The same levels for images of so many spatial dimensions.

        Args:
            spatial_dims: Spatial dimensions of the data.

        Raises:
            ValueError: If these levels are of another number of dimensions, or coarsen an axis
                that the data do not have.

        Example:
            >>> Levels((2, 4)).fitted(1).work_units()
            5.0
        """
        if self.spatial_dims is None:
            levels = copy.copy(self)
            levels._know(spatial_dims)
            return levels
        if self.spatial_dims != spatial_dims:
            raise ValueError(
                f"The levels are of images with {self.spatial_dims} spatial dimensions, the data "
                f"have {spatial_dims}. Received: {self}. Leave out `spatial_dims`: it is found "
                "from the data."
            )
        return self

    def sample_work_units(self, level: int) -> float:
        """Cost of one image of `level`, `2**(-d * level)` WU for `d` axes that are halved."""
        return 2.0 ** (-len(self.axes) * level)

    def sample_costs(self, finest: int = 0) -> tuple[tuple[float, float], ...]:
        """`pair_costs` of the levels from `finest` on, in work units."""
        return pair_costs([self.sample_work_units(k) for k in range(finest, self.num_levels)])

    def work_units(self, finest: int = 0, telescoping: bool = True) -> float:
        """Work units of an iteration whose finest active level is `finest`, coarse halves too.

        `sum_{l=s}^{L-2} N_l (2^(-dl) + 2^(-d(l+1))) + N_(L-1) 2^(-d(L-1))`: always counted
        against the finest mesh of the hierarchy, level 0, so the stages of one run add up.

        Args:
            finest: Finest active level `s`; levels `s..L-1` take part.
            telescoping: Whether the iteration is the telescoping sum (equation 6). If not, it is
                a plain batch of `N_s` images on level `s`.

        Raises:
            ValueError: If `finest` is not a level.
        """
        self.check_level(finest)
        sizes = self.batch_sizes[finest : None if telescoping else finest + 1]
        return self.step_work_units(finest, sizes)

    def step_work_units(self, finest: int, batch_sizes: Sequence[int]) -> float:
        """`work_units` for other `batch_sizes`, on as many levels from `finest` on as entries.

        Raises:
            ValueError: If `finest` is not a level, or there are more batch sizes than levels.
        """
        sizes = self.checked_sizes(finest, batch_sizes)
        costs = self.sample_costs(finest)
        last = len(sizes) - 1
        pairs = sum(n * costs[k][1] for k, n in enumerate(sizes[:last]))
        return pairs + sizes[last] * costs[last][0]

    def steps_work_units(self, stage: Stage, steps: int) -> float:
        """Work units of the first steps of an epoch of a stage: of the terms computed in them.

        Args:
            stage: The stage.
            steps: How many steps.

        Raises:
            ValueError: If the stage does not fit these levels.

        Example:
            >>> levels = Levels((1, 4))
            >>> levels.steps_work_units(Stage(0, (1, 4)), 4)
            9.0
            >>> levels.steps_work_units(Stage(0, (1, 4), refresh=(2, 1)), 4)
            6.5
        """
        whole = self.step_work_units(stage.finest, stage.batch_sizes)
        if not stage.refresh:
            return whole * steps
        last, costs = len(stage.batch_sizes) - 1, self.sample_costs(stage.finest)
        return sum(
            -(-steps // every) * size * costs[k][k < last]
            for k, (size, every) in enumerate(zip(stage.batch_sizes, stage.refresh, strict=True))
        )

    def checked_sizes(self, finest: int, batch_sizes: Sequence[int]) -> tuple[int, ...]:
        """The batch sizes of levels `finest`, `finest + 1` ... as a tuple of integers.

        Raises:
            ValueError: If they are no positive integers, or more than there are levels.
        """
        self.check_level(finest)
        sizes = positive_integers(batch_sizes)
        if not 1 <= len(sizes) <= self.num_levels - finest:
            raise ValueError(
                "Batch sizes are positive integers, one for each of some levels from `finest` on. "
                f"Received: batch_sizes={shown(batch_sizes)}, finest={finest}, of "
                f"{self.num_levels} levels."
            )
        return sizes

    def single_scale_work_units(self) -> float:
        """Cost of an iteration with all samples on the finest mesh, 240 WU for the paper's."""
        return float(sum(self.batch_sizes))

    def full_multiscale_work_units(
        self, iterations: Sequence[int], telescoping: bool = True
    ) -> float:
        """Work units of a Full-Multiscale run (Algorithm 2).

        Args:
            iterations: Iterations of the stage with each finest active level, finest first.
            telescoping: As in `work_units`.

        Raises:
            ValueError: If there are not as many entries as levels, or one is negative.
        """
        if len(iterations) != self.num_levels or min(iterations) < 0:
            raise ValueError(
                "A schedule has one entry per level, finest first, none negative. Received: "
                f"iterations={tuple(iterations)} for {self.num_levels} levels."
            )
        return float(
            sum(n * self.work_units(level, telescoping) for level, n in enumerate(iterations))
        )

    def evaluations(self) -> int:
        """Model evaluations of one iteration, whatever their resolution (the paper's Table 1)."""
        return 2 * sum(self.batch_sizes[:-1]) + self.batch_sizes[-1]

    def mesh_sizes(self, image_size: int | Sequence[int]) -> tuple[tuple[int, ...], ...]:
        """Sides of the mesh of every level, in pixels, finest first.

        Args:
            image_size: Sides of the finest mesh, one per spatial dimension, or one for all. Where
                `spatial_dims` is unset, there are as many dimensions as sides.

        Raises:
            ValueError: If a side that is halved is not divisible by `2**(L-1)` or less than 8
                pixels would be left of it, or there are not as many sides as dimensions.
        """
        sides = meshes.sides_of(image_size, self.spatial_dims, self.dims)
        return meshes.mesh_sizes(sides, self.num_levels, self.fitted(len(sides)).axes)

    def check_level(self, level: int) -> None:
        """Raises `ValueError` unless `level` is one of `0..L-1`."""
        if level not in range(self.num_levels):
            raise ValueError(
                f"Levels are 0, the finest, to {self.num_levels - 1}. Received: level={level}."
            )

    def _repr_html_(self) -> str:
        """A row per level, as notebooks show it."""
        rows = [
            (level, f"{2**level} px", size, f"{self.sample_work_units(level):g}")
            for level, size in enumerate(self.batch_sizes)
        ]
        columns = ("level", "pixels are wide", "batch", "work units of a sample")
        return notebooks.table(f"{self.num_levels} levels, finest first", columns, rows)

    def _know(self, spatial_dims: int | None) -> None:
        dims, axes = meshes.checked_dims(spatial_dims, self.spatial_axes)
        object.__setattr__(self, "spatial_dims", dims)
        object.__setattr__(self, "spatial_axes", axes)


__all__ = ["MIN_COARSEST_SIDE", "Levels", "Stage", "checked_weights", "pair_costs"]
