"""Theorem 1, equations (17) to (19), on the least squares problem of Example 1.

There solutions are known exactly, so the error is `|theta_k - theta*|` itself. Steps are
`1 / (c (k + kappa))`, with `c` the least eigenvalue of the Hessian and `kappa` its condition: those
of the theorem, `1/k`, once they are small enough not to diverge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .example1 import Normal, meshes, normal


class Descent(NamedTuple):
    """What a descent came to.

    Attributes:
        iterations: Until the error was small enough; `None` if it never was.
        weights: Where it ended.
    """

    iterations: int | None
    weights: np.ndarray


def solution(problem: Normal) -> np.ndarray:
    """The weights of the least loss over all signals."""
    return np.linalg.solve(problem.matrices.mean(axis=0), problem.vectors.mean(axis=0))


def descent(
    problem: Normal,
    start: np.ndarray,
    tolerance: float,
    batch: int | None = None,
    seed: int = 0,
    most: int = 200_000,
) -> Descent:
    """Stochastic gradient descent until the weights are as near to the solution as asked for.

    Args:
        problem: The signals' losses.
        start: First weights.
        tolerance: Distance from the solution.
        batch: Signals a step, drawn at random. Defaults to all of them.
        seed: Of the draw.
        most: Steps after which it is given up.
    """
    rng, goal, weights = np.random.default_rng(seed), solution(problem), start
    matrix, vector = (part.mean(axis=0) for part in problem)
    least, *_, greatest = np.linalg.eigvalsh(matrix)
    for step in range(most):
        if np.linalg.norm(weights - goal) <= tolerance:
            return Descent(step, weights)
        if batch is not None:
            drawn = rng.integers(len(problem.vectors), size=batch)
            matrix, vector = (part[drawn].mean(axis=0) for part in problem)
        weights = weights - (matrix @ weights - vector) / (least * (step + 1) + greatest)
    return Descent(None, weights)


def problems(clean: np.ndarray, deviation: float, coarsest: int, seed: int) -> list[Normal]:
    """Denoising of signals on all meshes, finest first; the noise is as strong on each.

    Args:
        clean: `(signals, points)` on the finest mesh.
        deviation: Of the white noise. A mean over two points has a square root of 2 times less,
            so the noise of coarse meshes is scaled by that.
        coarsest: Points of the coarsest mesh.
        seed: Of the noise.
    """
    noise = np.random.default_rng(seed).normal(size=clean.shape)
    both = zip(meshes(clean, coarsest), meshes(noise, coarsest), strict=True)
    return [
        normal(signal + deviation * 2.0 ** (level / 2) * draw, signal)
        for level, (signal, draw) in enumerate(both)
    ]


def by_level(
    problems: list[Normal], tolerance: float, batch: int | None, seed: int
) -> list[tuple[Descent, Descent]]:
    """Descents on every mesh, finest first: from random weights, and from where the coarser ended.

    Random weights are the same on all meshes. On the coarsest one both start from them.
    """
    found: list[tuple[Descent, Descent]] = []
    first = weights = np.random.default_rng(seed).normal(size=problems[0].vectors[0].shape)
    for level, problem in reversed(list(enumerate(problems))):
        options = (tolerance, batch, seed * len(problems) + level)
        cold = descent(problem, first, *options)
        hot = descent(problem, weights, *options)
        weights = hot.weights
        found.insert(0, (cold, hot))
    return found
