"""Which coarse problem serves a level, or none: THE rule of `coarsening="auto"`. Pure Python.

A coarse gradient is an estimate of the gradient of plain training on the finest mesh. It has a
bias, which no batch averages out, and a variance, which falls with the batch. For the price of one
plain step a level with cheap samples buys a large batch; so candidates are compared by

    squared bias + variance / (the batch that one plain step's cost buys),

the mean squared error at equal cost, and with plain fine batches, which have no bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from keras_ms.diagnostics.rule import WORTHWHILE

PLAIN = "plain"
"""Doing without a level: batches of the next finer level that serves, in the end of level 0."""


class CoarseProblem(NamedTuple):
    """What is known of a level's gradient under one coarsening.

    Attributes:
        level: The level, 1 or coarser.
        coarsening: As in `MultiscaleDataset`.
        squared_bias: `|E g_0 - E g|^2`, noise removed; it may be negative.
        squared_bias_error: Its standard error.
        variance: Of a step's gradient, times the samples of its finest level; of one sample for
            plain batches.
        cost: Of a step, over the samples of its finest level, in samples of level 0.
    """

    level: int
    coarsening: str
    squared_bias: float
    squared_bias_error: float
    variance: float
    cost: float

    def variance_for(self, samples: float) -> float:
        """Variance of the batch that the cost of so many samples of level 0 buys."""
        return self.variance * self.cost / samples

    def error_for(self, samples: float) -> float:
        """Mean squared error of that batch's gradient as an estimate of level 0's."""
        return max(self.squared_bias, 0.0) + self.variance_for(samples)


class Choice(NamedTuple):
    """What serves a level.

    Attributes:
        level: The level.
        coarsening: Of `MultiscaleDataset`, or `PLAIN` for doing without the level.
        error: Mean squared error at the cost of a plain step, relative to that step's; 1 for
            `PLAIN`.
    """

    level: int
    coarsening: str
    error: float

    @property
    def serves(self) -> bool:
        """Whether the level is worth training on."""
        return self.coarsening != PLAIN


def choose(problems: Sequence[CoarseProblem], variance: float, batch_size: int) -> Choice:
    """The coarse problem that serves a level, or none.

    The first candidate is taken unless another's error is known to be clearly less: with the
    standard error of its bias added, less than `WORTHWHILE` of it. The level is done without if a
    plain step's error is clearly less than that of the best, a standard error taken away. Where all
    are alike the coarse level is kept: its steps are as good for their cost, and far cheaper.

    Args:
        problems: The candidates of one level, the usual one first.
        variance: Of one sample's gradient on level 0.
        batch_size: Samples of a plain step on level 0.

    Example:
        >>> alike = CoarseProblem(1, "task", 0.0, 0.0, 1.0, 0.25)
        >>> biased = alike._replace(coarsening="crop", squared_bias=1.0)
        >>> choose([alike, biased], variance=1.0, batch_size=16)
        Choice(level=1, coarsening='task', error=0.25)
        >>> choose([biased], variance=1.0, batch_size=16).coarsening
        'plain'
    """
    plain = variance / batch_size
    best, least = problems[0], problems[0].error_for(batch_size)
    for problem in problems[1:]:
        above = problem.error_for(batch_size) + problem.squared_bias_error
        if above < WORTHWHILE * least:
            best, least = problem, above
    error = best.error_for(batch_size)
    if plain < WORTHWHILE * max(error - best.squared_bias_error, 0.0):
        return Choice(best.level, PLAIN, 1.0)
    return Choice(best.level, best.coarsening, error / plain if plain > 0.0 else 1.0)


def choose_all(
    problems: Sequence[CoarseProblem], variance: float, batch_size: int
) -> tuple[Choice, ...]:
    """`choose` for every level that there are problems of, finest first."""
    levels = sorted({problem.level for problem in problems})
    return tuple(
        choose([p for p in problems if p.level == level], variance, batch_size) for level in levels
    )


def words(choices: Sequence[Choice]) -> str | tuple[str, ...]:
    """What `MultiscaleDataset(coarsening=...)` is to be told: one word, or one for every level.

    The stage of level 0 has the usual word: only its sums, if any, have coarse samples.
    """
    found = ("task", *(c.coarsening if c.serves else "task" for c in choices))
    return found[0] if len(set(found)) == 1 else found
