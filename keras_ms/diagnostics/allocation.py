"""Batch sizes from variances and costs: Giles's allocation in whole samples. Pure Python, NumPy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ms.validation import is_number, positive_integer, shown

TOLERANCE = 1e-4  # relative; a search that never stopped short would take ages for huge batches
_BISECTIONS = 50
_MOST = 2.0**53  # samples in a batch
_NODES = (20_000, 200_000)  # of a search in one order, and then in another


def optimal_batch_sizes(
    variances: Any,
    costs: Any,
    variance: float | None = None,
    cost: float | None = None,
    replicas: int = 1,
    fixed_costs: Sequence[float] | None = None,
) -> tuple[int, ...]:
    """The cheapest batch sizes for a variance, or those of least variance for a cost.

    The estimator's variance is `sum_l V_l / N_l`, its cost `sum_l C_l N_l`. Without rounding the
    best is `N_l` proportional to `sqrt(V_l / C_l)` (Giles, Operations Research 56, 2008; Acta
    Numerica 24, 2015); here sizes are whole multiples of `replicas`, found by branch and bound to
    within 0.01 % of the best there are.

    Args:
        variances: Per level, finest first, either one number, the per-sample variance `V_l` of the
            level's term of the telescoping sum; or two, `(alone, difference)`: that of `g_l` and
            that of `g_l - g_(l+1)`, of which the coarsest level's second is not used.
        costs: Likewise: `C_l`, or `(alone, pair)`: the cost of one sample on level `l`, and on
            levels `l` and `l + 1`. In any unit.
        variance: The variance to reach, positive.
        cost: Or the most a step may cost, positive.
        replicas: Number of replicas that share every batch.
        fixed_costs: What a step pays once for every level that it visits, whatever its batches;
            one number per level. Defaults to nothing.

    Returns:
        Batch sizes, finest first. With one number per level, one size for each. With two, the
        number of levels is chosen as well: never dearer (or of more variance) than the best plain
        batch on the finest level, since that is one of the choices.

    Raises:
        ValueError: If not exactly one target is given, shapes do not fit, a number is negative or
            not finite, `cost` does not pay for `replicas` samples of every level, or the target
            asks for more than 2**53 of them whatever the number of levels.

    Example:
        >>> keras_ms.optimal_batch_sizes((4.0, 4.0, 16.0), (1.0, 0.25, 0.0625), variance=1.0)
        (8, 16, 64)
        >>> alone_and_difference = ((10.0, 0.5), (10.0, 1.0), (10.0, 0.0))
        >>> alone_and_pair = ((1.0, 1.25), (0.25, 0.3125), (0.0625, 0.0))
        >>> keras_ms.optimal_batch_sizes(alone_and_difference, alone_and_pair, variance=1.0)
        (1, 5, 34)
        >>> same_as_noise = ((10.0, 30.0), (40.0, 120.0), (160.0, 0.0))
        >>> keras_ms.optimal_batch_sizes(same_as_noise, alone_and_pair, cost=16.0)
        (16,)
    """
    # Over 60 lines with its docstring, half as many without.
    table, prices = _checked(variances, costs)
    target = _target(variance, cost)
    fixed = _checked_fixed(fixed_costs, len(table))
    replicas = positive_integer(replicas, "replicas")
    best, best_value, beyond = None, math.inf, False
    for terms, term_costs in hierarchies(table, prices):
        paid = float(np.sum(fixed[: len(terms)]))
        # In units of `replicas` samples, sizes are any positive integers.
        units = terms / replicas, term_costs * replicas
        left = target if cost is None else target - paid
        if not _in_reach(*units, left, cost is not None):
            beyond = True
            continue
        sizes = _cheapest(*units, left) if cost is None else _surest(*units, left)
        if sizes is None:
            continue
        by = np.array(sizes) * replicas
        value = float(paid + term_costs @ by if cost is None else np.sum(terms / by))
        if value < best_value:
            best, best_value = tuple(int(n) for n in by), value
    if best is None and beyond:
        raise ValueError(
            "The target asks for batches of more than 2**53. "
            f"Received: variance={variance}, cost={cost}, variances={table.tolist()}, "
            f"costs={prices.tolist()}."
        )
    if best is None:
        raise ValueError(
            f"The cost does not pay for {replicas} sample(s) of every level. "
            f"Received: cost={cost}, costs={prices.tolist()}."
        )
    return best


def relative_costs(variances: Any, costs: Any) -> tuple[float, ...]:
    """Cost at equal variance relative to single-scale, by number of levels.

    `(sum_l sqrt(V_l C_l))^2` over the same for one level, for the best allocation of 1, 2, ...
    levels, batch sizes not rounded.

    Args:
        variances: `(alone, difference)` per level, as in `optimal_batch_sizes`.
        costs: `(alone, pair)` per level.

    Returns:
        One ratio per number of levels; the first is 1.

    Raises:
        ValueError: As `optimal_batch_sizes`.

    Example:
        >>> round(relative_costs(((1.0, 0.01), (1.0, 0.0)), ((1.0, 1.25), (0.25, 0.0)))[1], 3)
        0.374
    """
    table, prices = _checked(variances, costs)
    if table.ndim != 2:
        raise ValueError("Two variances per level are needed. Received: one.")
    products = [float(np.sum(np.sqrt(v * c))) ** 2 for v, c in hierarchies(table, prices)]
    if products[0] == 0.0:
        raise ValueError(f"Level 0 has no variance. Received: variances={table.tolist()}.")
    return tuple(product / products[0] for product in products)


def hierarchies(variances: np.ndarray, costs: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Terms `(V, C)` of every hierarchy that may be chosen: the one given, or of 1 ... L levels."""
    if variances.ndim == 1:
        return [(variances, costs)]

    def terms(table: np.ndarray, depth: int) -> np.ndarray:
        return np.append(table[: depth - 1, 1], table[depth - 1, 0])

    depths = range(1, len(variances) + 1)
    return [(terms(variances, depth), terms(costs, depth)) for depth in depths]


def _cheapest(variances: np.ndarray, costs: np.ndarray, target: float) -> tuple[int, ...]:
    """Positive integers `n` with `sum V / n <= target` and the least `sum C n`."""
    # Small batches first: they have few values, and the last batch, which is found by a closed
    # form, rounds least if it is large. But a level that costs next to nothing has millions of
    # values that are about as good as each other: there the dear ones come first.
    orders = np.argsort(variances / costs), np.argsort(-variances * costs)
    found: list[tuple[float, tuple[int, ...]]] = []
    for order, nodes in zip(orders, _NODES, strict=True):
        search = _Search(variances[order].tolist(), costs[order].tolist(), nodes)
        search.descend(0, target, 0.0, ())
        spent, chosen = search.best
        found.append((spent, tuple(n for _, n in sorted(zip(order.tolist(), chosen, strict=True)))))
        if search.nodes > 0:
            break
    return min(found)[1]


class _Search:
    """Branch and bound over batch sizes, one level after another.

    Args:
        variances: `V` by level, in the order of the search.
        costs: `C` by level.
        nodes: Most sizes that are looked at; the best so far counts then.
    """

    def __init__(self, variances: list[float], costs: list[float], nodes: int) -> None:
        self._v, self._c, self.nodes = variances, costs, nodes
        products = [math.sqrt(v * c) for v, c in zip(variances, costs, strict=True)]
        self._roots = [sum(products[k:]) for k in range(len(products))]
        self._least = [sum(costs[k:]) for k in range(len(costs))]
        self.best: tuple[float, tuple[int, ...]] = (math.inf, ())

    def descend(self, k: int, left: float, spent: float, chosen: tuple[int, ...]) -> None:
        """Tries sizes of the levels from `k` on, for the variance that is left."""
        v, c = self._v[k], self._c[k]
        if k == len(self._v) - 1:
            n = max(1, math.ceil(v / left * (1.0 - 1e-12)))
            self.best = min(self.best, (spent + c * n, (*chosen, n)))
            return
        middle = self._middle(k, left)
        # The bound is convex in n: go outwards from its minimum until it says stop.
        for start, step in ((middle, -1), (middle + 1, 1)):
            n = start
            while n >= 1 and self.nodes > 0 and (rest := left - v / n) > 0.0:
                self.nodes -= 1
                bound = spent + c * n + max(self._roots[k + 1] ** 2 / rest, self._least[k + 1])
                if bound >= self.best[0] * (1.0 - TOLERANCE):
                    break
                self.descend(k + 1, rest, spent + c * n, (*chosen, n))
                n += step

    def _middle(self, k: int, left: float) -> int:
        """The size at or just below that of the least bound."""
        v, least, roots = self._v[k], self._least[k + 1], self._roots[k + 1]
        best = math.sqrt(v / self._c[k]) * self._roots[k] / left
        # Where one sample on each of the other levels is more than enough, fewer are cheaper.
        enough = left - roots**2 / least
        if enough > 0.0:
            best = min(best, v / enough)
        return max(1, math.floor(best))


def _surest(variances: np.ndarray, costs: np.ndarray, target: float) -> tuple[int, ...] | None:
    """Positive integers `n` with `sum C n <= target` and the least `sum V / n`, if any."""
    affordable = target * (1.0 + 1e-12)
    if float(np.sum(costs)) > affordable:
        return None
    best = (1,) * len(costs)
    high = float(np.sum(variances))
    low = float(np.sum(np.sqrt(variances * costs))) ** 2 / affordable
    for _ in range(_BISECTIONS):
        if high - low <= 1e-9 * high:
            break
        middle = math.sqrt(low * high)
        sizes = _cheapest(variances, costs, middle)
        if float(costs @ np.array(sizes)) <= affordable:
            best, high = sizes, min(middle, float(np.sum(variances / np.array(sizes))))
        else:
            low = middle
    return best


def _checked(variances: Any, costs: Any) -> tuple[np.ndarray, np.ndarray]:
    try:
        table, prices = np.array(variances, np.float64), np.array(costs, np.float64)
    except (TypeError, ValueError):
        table = prices = np.empty(0)
    fits = table.shape == prices.shape and table.ndim in (1, 2) and table.size > 0
    if not fits or (table.ndim == 2 and table.shape[1] != 2):
        raise ValueError(
            "Variances and costs hold one number, or two, for every level, finest first. "
            f"Received: variances={shown(variances)}, costs={shown(costs)}."
        )
    used = np.ones(table.shape, bool)
    if table.ndim == 2:
        used[-1, 1] = False
    if not np.all(np.isfinite(table[used]) & (table[used] >= 0.0)):
        raise ValueError(
            f"Variances are finite and not negative. Received: variances={table.tolist()}."
        )
    if not np.all(np.isfinite(prices[used]) & (prices[used] > 0.0)):
        raise ValueError(f"Costs are positive and finite. Received: costs={prices.tolist()}.")
    return table, prices


def _target(variance: Any, cost: Any) -> float:
    if (variance is None) == (cost is None):
        raise ValueError(
            "Give the variance to reach or the cost to keep to, one of the two. "
            f"Received: variance={variance}, cost={cost}."
        )
    target = cost if variance is None else variance
    if not is_number(target) or not 0.0 < float(target) < math.inf:
        raise ValueError(
            f"Targets are positive and finite. Received: variance={variance}, cost={cost}."
        )
    return float(target)


def _in_reach(variances: np.ndarray, costs: np.ndarray, target: float, is_cost: bool) -> bool:
    """Whether a float counts the batches that a target asks for."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        shares, total = np.sqrt(variances / costs), np.sum(np.sqrt(variances * costs))
        wanted = shares * (target / total if is_cost else total / target)
    return bool(np.all(wanted[variances > 0.0] <= _MOST))


def _checked_fixed(fixed_costs: Any, num_levels: int) -> np.ndarray:
    try:
        fixed = np.array([0.0] * num_levels if fixed_costs is None else fixed_costs, np.float64)
    except (TypeError, ValueError):
        fixed = np.array(math.nan)
    if fixed.shape != (num_levels,) or not np.all(np.isfinite(fixed) & (fixed >= 0.0)):
        raise ValueError(
            "Fixed costs are one number per level, finite and not negative. "
            f"Received: fixed_costs={shown(fixed_costs)} for {num_levels} levels."
        )
    return fixed
