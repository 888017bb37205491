"""The residual `g_h - g_2h` of equation (9), level by level, for a network as it is.

The moments are those that `keras_ms.diagnose` measures: no gradient is estimated here.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from keras_ms.gradients.estimates import Groups
    from keras_ms.gradients.moments import MomentMeter

GROUPS = 8


class Residuals(NamedTuple):
    """Finest first; of a residual, one per pair of neighbouring levels.

    Attributes:
        sample: `sqrt(E |g_l - g_(l+1)|^2)` of one sample.
        sample_error: Its standard error.
        mean: `|E (g_l - g_(l+1))|`, sampling noise removed; 0 where noise leaves nothing.
        mean_error: Its standard error; nan where `mean` is 0.
        norm: `sqrt(E |g_l|^2)` of one sample, one per level.
    """

    sample: np.ndarray
    sample_error: np.ndarray
    mean: np.ndarray
    mean_error: np.ndarray
    norm: np.ndarray


def measured(meter: MomentMeter, levels: int, samples: int) -> Residuals:
    """Residuals of all levels of a dataset.

    Args:
        meter: Of a model and a dataset.
        levels: How many the dataset has.
        samples: Samples of each term.
    """
    counts = (math.ceil(samples / GROUPS),) * levels
    return of_groups(list(itertools.islice(meter.groups(counts), GROUPS)))


def of_groups(groups: Groups) -> Residuals:
    """Residuals from moments of groups of samples, as `MomentMeter.groups` yields them."""
    from keras_ms.gradients.estimates import standard_errors

    sample, mean, norm = _squared(groups)
    errors = standard_errors(groups, lambda some: np.array(_squared(some)[:2]))
    roots, mean_roots = (np.sqrt(np.maximum(values, 0.0)) for values in (sample, mean))
    return Residuals(
        roots,
        _of_root(errors[0], roots),
        mean_roots,
        _of_root(errors[1], mean_roots),
        np.sqrt(np.maximum(norm, 0.0)),
    )


def _squared(groups: Groups) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The squares of `sample`, `mean` and `norm`."""
    from keras_ms.gradients.estimates import estimate

    levels = range(len(groups[0]))
    tails = [estimate([group[level:] for group in groups]) for level in levels]
    # Of the levels from `l` on, the second one's bias against the first is |E (g_l - g_(l+1))|^2.
    bias = np.array([found.squared_bias[1] for found in tails[:-1]])
    spread = np.array([found.difference[0] for found in tails[:-1]])
    norm = np.array([found.variance[0] + found.squared_norm[0] for found in tails])
    return spread + bias, bias, norm


def _of_root(error: np.ndarray, root: np.ndarray) -> np.ndarray:
    """Standard errors of square roots, from those of the squares."""
    return np.divide(error, 2.0 * root, out=np.full_like(error, np.nan), where=root > 0.0)
