"""Control-variate weights: how much of each coarser level to take away, and add again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ms.validation import shown


def control_weights(variances: Any, costs: Any) -> tuple[float, ...]:
    """The weights `a_l` that make a telescoping sum cheapest at a given variance.

    `g_l(b_l) - a_l g_(l+1)(b_l) + a_l (...)`, with an estimate of `E g_(l+1)` in the brackets, has
    the right expectation for any `a_l`; the usual sum has 1. Its cost times variance, with the best
    batch sizes, is `T_0^2`, where

        T_l = sqrt(V_l(a_l) C_l) + a_l T_(l+1),     T_(L-1) = sqrt(V_(L-1) C_(L-1)),
        V_l(a) = Var(g_l - a g_(l+1)),

    so each weight minimises a convex function of its own, in closed form, from coarse to fine. A
    small weight says that the coarser level is noisier than the finer and not its likeness.

    Args:
        variances: `(alone, difference)` per level, finest first, as in `optimal_batch_sizes`.
        costs: `(alone, pair)` per level.

    Returns:
        `a_0 ... a_(L-2)`, at least 0. A 0 says that coarser levels do not pay.

    Raises:
        ValueError: If the tables are not two finite numbers per level, as many rows in both.

    Example:
        >>> alike = ((1.0, 0.02), (1.0, 0.0))
        >>> apart = ((1.0, 2.0), (3.0, 0.0))
        >>> costs = ((1.0, 1.25), (0.25, 0.0))
        >>> [round(control_weights(v, costs)[0], 2) for v in (alike, apart)]
        [0.92, 0.0]
    """
    table, prices = _table(variances, "variances"), _table(costs, "costs")
    if len(table) != len(prices):
        raise ValueError(
            "Variances and costs have a row per level each. "
            f"Received: variances={shown(variances)}, costs={shown(costs)}."
        )
    rest = math.sqrt(table[-1, 0] * prices[-1, 0])
    found: list[float] = []
    for level in range(len(table) - 2, -1, -1):
        best = _best(*_pair(table, level), float(prices[level, 1]), rest)
        alone = math.sqrt(table[level, 0] * prices[level, 0])
        with_coarser = math.sqrt(_variance(*_pair(table, level), best) * prices[level, 1])
        if with_coarser + best * rest >= alone:
            best, rest = 0.0, alone
        else:
            rest = with_coarser + best * rest
        found.append(best)
    return tuple(reversed(found))


def best_weights(variances: Any, batch_sizes: Sequence[int]) -> tuple[float, ...]:
    """The weights that make the sum with given batch sizes most certain.

    Its variance is `W_0`, where `W_l = Var(g_l - a_l g_(l+1)) / N_l + a_l^2 W_(l+1)`: a parabola in
    each weight, from coarse to fine.

    Args:
        variances: `(alone, difference)` per level, finest first.
        batch_sizes: One per level, finest first.

    Returns:
        One weight per pair of levels, at least 0.

    Example:
        >>> [round(a, 2) for a in best_weights(((1.0, 0.02), (1.0, 0.0)), (2, 16))]
        [0.88]
    """
    table = np.array(variances, np.float64)
    rest = float(table[-1, 0]) / batch_sizes[-1]
    found: list[float] = []
    for level in range(len(table) - 2, -1, -1):
        fine, coarse, covariance = _pair(table, level)
        size = batch_sizes[level]
        curvature = coarse + size * rest
        weight = max(0.0, covariance / curvature) if curvature > 0.0 else 0.0
        rest = _variance(fine, coarse, covariance, weight) / size + weight**2 * rest
        found.append(weight)
    return tuple(reversed(found))


def weighted(variances: Any, weights: Sequence[float]) -> tuple[tuple[float, float], ...]:
    """Per-sample variances of the terms of a weighted sum.

    Args:
        variances: `(alone, difference)` per level, finest first.
        weights: One per pair of levels.

    Returns:
        The same of the weighted terms, `A_l^2 Var(g_l)` and `A_l^2 Var(g_l - a_l g_(l+1))`, with
        `A_l` the product of the finer weights: what `optimal_batch_sizes` takes.
    """
    table = np.array(variances, np.float64)
    scale, rows = 1.0, []
    for level, weight in enumerate((*weights, 0.0)):
        last = level == len(table) - 1
        difference = 0.0 if last else _variance(*_pair(table, level), weight)
        rows.append((scale**2 * float(table[level, 0]), scale**2 * difference))
        scale *= weight
    return tuple(rows)


def _table(values: Any, name: str) -> np.ndarray:
    try:
        table = np.array(values, np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] != 2 or not np.all(np.isfinite(table)):
        raise ValueError(
            f"`{name}` holds two finite numbers per level, finest first. "
            f"Received: {name}={shown(values)}."
        )
    return table


def _pair(table: np.ndarray, level: int) -> tuple[float, float, float]:
    """Variances of a level and the next, and their covariance."""
    fine, coarse = float(table[level, 0]), float(table[level + 1, 0])
    return fine, coarse, 0.5 * (fine + coarse - float(table[level, 1]))


def _variance(fine: float, coarse: float, covariance: float, weight: float) -> float:
    return max(fine - 2.0 * weight * covariance + weight**2 * coarse, 0.0)


def _best(fine: float, coarse: float, covariance: float, cost: float, rest: float) -> float:
    """Minimises `sqrt(cost Var(f - a c)) + a rest` over `a >= 0`."""
    steepness = cost * coarse
    if steepness <= rest**2:
        return 0.0
    regression = covariance / coarse
    left = cost * max(fine - covariance**2 / coarse, 0.0)  # variance that no weight takes away
    shift = rest * math.sqrt(left / (steepness * (steepness - rest**2)))
    return max(0.0, regression - shift)
