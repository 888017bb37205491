"""What a telescoping sum may be off by, by its number of levels: appendix B.2, (28) to (37).

The sum of `|g_l - g_(l+1)|` over the levels. A **crop** that keeps `m` of `M` pixels leaves out
`1 - m/M` of them, however fine the mesh: with `g_rest` the gradient of those,

    |g_l - g_(l+1)| = (1 - m/M) |g_rest - g_(l+1)| <= (1 - m/M) (|g_rest| + |g_(l+1)|),

so a sum over crops grows with every level. A **coarsened** picture has the residual `C h` of Lemma
1, so what a finer level adds is half of what the one before added.

Levels are added on the fine side here, and the coarsest stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

KEPT = 0.25
"""`m/M`: half of each of two sides."""


def errors(residuals: Sequence[float] | np.ndarray) -> np.ndarray:
    """The error of sums of 2, 3, ... levels.

    Args:
        residuals: `|g_l - g_(l+1)|`, finest first.
    """
    return np.cumsum(np.array(residuals, float)[::-1])


def cropping_bound(norms: Sequence[float]) -> np.ndarray:
    """A bound of the error of crops, for 2, 3, ... levels.

    Padding and normalisation, which see the border of a crop, are left out of account; and the
    rest of a picture, which is more than the crop, counts as if its gradient varied as much.

    Args:
        norms: `|g_l|` of one sample, root mean square, one per level, finest first.
    """
    return errors((1.0 - KEPT) * 2.0 * np.array(norms, float)[1:])


def coarsening_bound(residuals: Sequence[float]) -> np.ndarray:
    """What Lemma 1 allows for coarsened pictures, for 2, 3, ... levels.

    Args:
        residuals: `|g_l - g_(l+1)|`, finest first. `C` is the least that serves all of them.
    """
    widths = 2.0 ** np.arange(len(residuals))
    return errors(np.max(np.array(residuals, float) / widths) * widths)
