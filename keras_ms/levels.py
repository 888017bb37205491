"""The hierarchy of meshes: batch sizes, mesh sizes and work units. Pure Python."""

from __future__ import annotations

import dataclasses
import numbers
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from keras_ms.validation import checked_weights as checked_weights
from keras_ms.validation import positive_integers

MIN_COARSEST_SIDE = 8
"""Smallest coarsest mesh accepted, in pixels a side: below it zero padding is most of the image."""
USUAL_COARSEST_SIDE = 16
"""Smallest coarsest mesh that suits a residual network of 3x3 convolutions."""


class Stage(NamedTuple):
    """What the steps of an epoch hold.

    Attributes:
        finest: Finest active level.
        batch_sizes: Batch sizes of the terms of the telescoping sum from there on, finest first;
            a single one is a plain batch on level `finest`.
        control_weights: How often each coarser level counts, one per pair of the stage's levels,
            finest first; empty if all count once.
    """

    finest: int
    batch_sizes: tuple[int, ...]
    control_weights: tuple[float, ...] = ()


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
    of level `l` costs `2**(-spatial_dims * l)` WU (section 3.1 of Ahamed et al., TMLR 2026,
    https://arxiv.org/abs/2501.12739).

    Args:
        batch_sizes: Samples per term, finest first, positive, one per level. Cheap coarse
            levels usually have the larger batches; a tuple that decreases from level to level is
            accepted with a warning, since it looks like coarsest first. Defaults to the paper's
            `(16, 32, 64, 128)`.
        spatial_dims: Spatial dimensions of the images: 1, 2 or 3. Defaults to 2.

    Raises:
        ValueError: If there is no level, a batch size is not a positive integer, or
            `spatial_dims` is not 1, 2 or 3.

    Example:
        >>> levels = Levels((16, 32, 64, 128))
        >>> [levels.work_units(finest) for finest in range(4)]
        [37.0, 17.0, 7.0, 2.0]
        >>> levels.full_multiscale_work_units((250, 500, 1000, 2000))
        28750.0
    """

    batch_sizes: tuple[int, ...] = (16, 32, 64, 128)
    spatial_dims: int = 2

    def __post_init__(self) -> None:
        sizes = positive_integers(self.batch_sizes)
        if not sizes:
            raise ValueError(
                "Batch sizes are positive integers, one per level, finest first. "
                f"Received: batch_sizes={self.batch_sizes!r}. Use for example (16, 32, 64, 128)."
            )
        object.__setattr__(self, "batch_sizes", sizes)
        if not isinstance(self.spatial_dims, int) or self.spatial_dims not in (1, 2, 3):
            raise ValueError(
                f"Images have 1, 2 or 3 dimensions. Received: spatial_dims={self.spatial_dims!r}."
            )
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

    def sample_work_units(self, level: int) -> float:
        """Cost of one image of `level`, `2**(-spatial_dims * level)` WU."""
        return 2.0 ** (-self.spatial_dims * level)

    def sample_costs(self, finest: int = 0) -> tuple[tuple[float, float], ...]:
        """`pair_costs` of the levels from `finest` on, in work units."""
        return pair_costs([self.sample_work_units(k) for k in range(finest, self.num_levels)])

    def work_units(self, finest: int = 0, telescoping: bool = True) -> float:
        """Work units of an iteration whose finest active level is `finest`, coarse halves too.

        `sum_{l=s}^{L-2} N_l (2^(-dl) + 2^(-d(l+1))) + N_(L-1) 2^(-d(L-1))`: always counted
        against the finest mesh of the hierarchy, level 0, so the stages of one run add up.

        Args:
            finest: Finest active level `s`; levels `s..L-1` take part.
            telescoping: Whether the iteration is the telescoping sum (equation 8). If not, it is
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
                f"Received: batch_sizes={batch_sizes!r}, finest={finest}, of {self.num_levels} "
                "levels."
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
            image_size: Sides of the finest mesh, one per spatial dimension, or one for all.

        Raises:
            ValueError: If a side is not divisible by `2**(L-1)` or the coarsest mesh has a side
                under 8 pixels.
        """
        sides = self._sides(image_size)
        factor = 2 ** (self.num_levels - 1)
        if min(sides) // factor < (MIN_COARSEST_SIDE if factor > 1 else 1):
            most = max(1, (min(sides) // MIN_COARSEST_SIDE).bit_length())
            raise ValueError(
                f"Too many levels for the image size: the coarsest mesh would have a side of "
                f"{min(sides) // factor} px, under {MIN_COARSEST_SIDE} px. "
                f"Received: levels={self.num_levels}, image size {sides}. "
                f"Use at most {most} levels, or larger images."
            )
        if any(side % factor for side in sides):
            nearest = tuple(side - side % factor for side in sides)
            raise ValueError(
                f"Every side must be divisible by 2**(levels - 1) = {factor}. Received: levels="
                f"{self.num_levels}, image size {sides}. Use {nearest}, for example."
            )
        return tuple(tuple(side >> level for side in sides) for level in range(self.num_levels))

    def check_level(self, level: int) -> None:
        """Raises `ValueError` unless `level` is one of `0..L-1`."""
        if level not in range(self.num_levels):
            raise ValueError(
                f"Levels are 0, the finest, to {self.num_levels - 1}. Received: level={level}."
            )

    def _sides(self, image_size: int | Sequence[int]) -> tuple[int, ...]:
        one_for_all = isinstance(image_size, numbers.Integral)
        sides = positive_integers((image_size,) * self.spatial_dims if one_for_all else image_size)
        if len(sides) != self.spatial_dims:
            raise ValueError(
                f"An image size has {self.spatial_dims} positive integer sides. "
                f"Received: image_size={image_size!r}."
            )
        return sides


def deepest(image_size: int | Sequence[int]) -> Levels:
    """Levels whose sides halve evenly down to 16 pixels at least, with batch sizes 4, 8, 16 ...

    Args:
        image_size: Sides of the finest mesh; one integer for both of two dimensions.

    Raises:
        ValueError: If `image_size` holds anything but 1 to 3 positive integers.
    """
    given = image_size if hasattr(image_size, "__len__") else (image_size, image_size)
    sides = positive_integers(given)
    if not 1 <= len(sides) <= 3:
        raise ValueError(
            "An image size is a positive integer, or one for each of 1 to 3 dimensions. "
            f"Received: image_size={image_size!r}."
        )
    depth = 1
    while all(s % 2**depth == 0 and s // 2**depth >= USUAL_COARSEST_SIDE for s in sides):
        depth += 1
    return Levels(tuple(4 * 2**level for level in range(depth)), len(sides))
