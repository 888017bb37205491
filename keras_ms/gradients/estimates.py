"""From moments to what a report says of every level, with standard errors. Pure NumPy."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from keras_ms.gradients.moments import TermMoments

Groups = Sequence[tuple[TermMoments, ...]]


class Estimates(NamedTuple):
    """What is known of the gradients, one entry per level, finest first.

    Attributes:
        variance: Per-sample variance of `g_l`, summed over the parameters.
        difference: That of `g_l - g_(l+1)`; 0 on the coarsest level, which has no coarser.
        correlation: Of a sample's `g_l` and `g_(l+1)`; one entry fewer.
        cosine: Of the mean gradients of levels `l` and `l + 1`, noise removed; likewise.
        squared_norm: `|E g_l|^2`, noise removed (it may come out negative).
        squared_bias: `|E g_0 - E g_l|^2`, likewise.
    """

    variance: np.ndarray
    difference: np.ndarray
    correlation: np.ndarray
    cosine: np.ndarray
    squared_norm: np.ndarray
    squared_bias: np.ndarray

    def from_level(self, level: int) -> Estimates:
        """What it says of the levels from `level` on; biases stay those against the finest."""
        return Estimates(*(values[level:] for values in self))

    def figures(self, finest: int = 0) -> dict[str, float]:
        """Variances and squared biases by name, as they are logged; see `figure_names`.

        Args:
            finest: The level of the first entries, which biases are against.
        """
        values = [*self.variance, *self.squared_bias]
        names = figure_names(finest + len(self.variance), finest)
        return {name: float(value) for name, value in zip(names, values, strict=True)}


def figure_names(num_levels: int, finest: int = 0) -> list[str]:
    """Names of logged variances and squared biases of the levels from one on.

    Example:
        >>> figure_names(2, finest=1)
        ['variance_level_1', 'squared_bias_level_1']
    """
    levels = range(finest, num_levels)
    return [f"{what}_level_{level}" for what in ("variance", "squared_bias") for level in levels]


def estimate(groups: Groups) -> Estimates:
    """Estimates from two independent groups or more, unbiased but for the quotients.

    Mean gradients are telescoped, `E g_l = E g_(L-1) + sum E (g_k - g_(k+1))`, so that the many
    samples of coarse levels serve the fine ones. Squares of means are products of *different*
    groups' means, so that noise averages out, also where the samples of a group depend on each
    other (photographs are drawn without replacement). Variances are telescoped likewise, by the
    ratio of `g_l`'s to `g_(l+1)`'s on the same samples: so those of a level, of the next and of
    their difference are those of one set of samples, and belong together.
    """
    terms = list(zip(*groups, strict=True))
    fine, coarse, covariance = (
        np.array([np.mean([getattr(term, name) for term in group]) for group in terms])
        for name in ("fine", "coarse", "covariance")
    )
    own = np.maximum(fine + coarse - 2.0 * covariance, 0.0)  # rounding may leave -1e-9
    variance = _variances(fine, coarse)
    scale = np.divide(variance, fine, out=np.ones_like(fine), where=fine > 0.0)
    gradients = _telescoped(groups)
    squared = np.array([_product(level, level) for level in gradients])
    products = np.array([_product(a, b) for a, b in itertools.pairwise(gradients)])
    distances = [gradients[0] - level for level in gradients]
    biases = np.array([_product(distance, distance) for distance in distances])
    return Estimates(
        variance,
        np.append((own * scale)[:-1], 0.0),
        _quotient(covariance[:-1], fine[:-1] * coarse[:-1]),
        _quotient(products, squared[:-1] * squared[1:]),
        squared,
        np.append(0.0, biases[1:]),
    )


def squared_cosines(reference: Groups, others: Groups) -> np.ndarray:
    """`cos^2` of the angles between the mean gradients of level 0 and of levels of other samples.

    Args:
        reference: Groups whose first term is that of level 0.
        others: As many groups, of other samples or the same; of the levels `l` from some one on.

    Returns:
        One per level of `others`, finest first, in [0, 1]: noise removed, 0 for an obtuse angle,
        and where noise leaves nothing of a gradient.
    """
    number = min(len(reference), len(others))
    fine = _telescoped(reference[:number])[0]
    own, found = _product(fine, fine), []
    for level in _telescoped(others[:number]):
        squares = own * _product(level, level)
        product = max(_product(fine, level), 0.0)
        found.append(min(product**2 / squares, 1.0) if min(own, squares) > 0.0 else 0.0)
    return np.array(found)


def standard_errors(groups: Groups, function: Callable[[Groups], np.ndarray]) -> np.ndarray:
    """Standard errors by leaving out one group after the other (the jackknife).

    See Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
    """
    number = len(groups)
    without = [function([*groups[:k], *groups[k + 1 :]]) for k in range(number)]
    deviations = np.array(without) - np.mean(without, axis=0)
    return np.sqrt((number - 1) / number * np.sum(deviations**2, axis=0))


def _variances(fine: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """Variance of every level, from the coarsest up, whose samples are the most."""
    found = fine.copy()
    ratios = np.divide(fine, coarse, out=np.zeros_like(fine), where=coarse > 0.0)
    for level in reversed(range(len(fine) - 1)):
        if ratios[level] > 0.0:  # else a level does not vary, and says nothing of the other
            found[level] = ratios[level] * found[level + 1]
    return found


def _telescoped(groups: Groups) -> list[np.ndarray]:
    """The mean gradient of every level by group, each `(groups, parameters)`."""
    means: list[np.ndarray] = [
        np.stack([term.mean for term in terms]) for terms in zip(*groups, strict=True)
    ]
    for level in reversed(range(len(means) - 1)):
        means[level] = means[level] + means[level + 1]
    return means


def _product(first: np.ndarray, second: np.ndarray) -> float:
    """Mean product of one group's `first` and another group's `second`."""
    number = len(first)
    sums = np.sum(first, axis=0, dtype=np.float64), np.sum(second, axis=0, dtype=np.float64)
    same = np.einsum("gp,gp->", first, second, dtype=np.float64)
    return float((np.dot(*sums) - same) / (number * (number - 1)))


def _quotient(value: np.ndarray, squared: np.ndarray) -> np.ndarray:
    """`value / sqrt(squared)` within [-1, 1]; nan where noise has made `squared` negative."""
    root = np.sqrt(np.where(squared > 0.0, squared, np.nan))
    return np.clip(value / root, -1.0, 1.0)
