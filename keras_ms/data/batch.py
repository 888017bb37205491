"""What one training step consumes: the batches of every active level."""

from __future__ import annotations

from typing import Any, NamedTuple


class MultiscaleBatch(NamedTuple):
    """Batches of one step of Multiscale Gradient Estimation, indexed by level, finest first.

    Levels that take no part in the step hold the empty tuple, so the structure differs from
    stage to stage (and TensorFlow traces each stage once, with static shapes).

    Attributes:
        fine: `fine[l]` is `(x, y)` or `(x, y, sample_weight)`: the `N_l` samples of term `l`
            on level `l`.
        coarse: `coarse[l]` is *the same samples* on level `l + 1`; empty for the coarsest level.
    """

    fine: tuple[Any, ...]
    coarse: tuple[Any, ...]

    @property
    def finest(self) -> int:
        """The finest active level."""
        return next(level for level, data in enumerate(self.fine) if data)

    @property
    def active_levels(self) -> tuple[int, ...]:
        """The levels that take part, finest first."""
        return tuple(level for level, data in enumerate(self.fine) if data)
