"""Which coarse problem serves a level, or none: THE rule of `coarsening="auto"`. Pure Python.

A coarse gradient is an estimate of the gradient of plain training on the finest mesh. It has a
bias, which no batch averages out, and a variance, which falls with the batch. For the price of one
plain step a level with cheap samples buys a large batch. Candidates are compared by the mean
squared error of that batch's gradient `G`: of its best multiple, as the learning rate is free,

    min_a E |a G - g_0|^2 = (1 - gain) |g_0|^2,
    gain = <E G, g_0>^2 / (|g_0|^2 E |G|^2) = cos^2 |E G|^2 / (|E G|^2 + variance of G).

`cos` is that of the angle between the mean gradients: what it lacks of 1 is the bias. The gain is
what a step along `G` brings, as a share of what one along `g_0` itself would bring, where the loss
is curved alike in all directions. Plain fine batches have one as well.
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
        level: The level, 1 or coarser; 0 for plain training.
        coarsening: As in `MultiscaleDataset`.
        squared_cosine: `cos^2` of the angle between `E g_0` and `E g`, in [0, 1]; 0 if it is
            obtuse.
        squared_cosine_error: Its standard error.
        squared_norm: `|E g|^2`, noise removed; it may be negative.
        variance: Of a step's gradient, times the samples of its finest level; of one sample for
            plain batches.
        cost: Of a step, over the samples of its finest level, in samples of level 0.
    """

    level: int
    coarsening: str
    squared_cosine: float
    squared_cosine_error: float
    squared_norm: float
    variance: float
    cost: float

    def variance_for(self, samples: float) -> float:
        """Variance of the batch that the cost of so many samples of level 0 buys."""
        return self.variance * self.cost / samples

    def gain_for(self, samples: float, errors: float = 0.0) -> float:
        """Gain of that batch's gradient, in [0, 1]; 0 where noise is all there is.

        Args:
            samples: Of level 0, whose cost buys the batch.
            errors: Standard errors by which the squared cosine may be more.
        """
        if self.squared_norm <= 0.0:
            return 0.0
        cosine = min(max(self.squared_cosine + errors * self.squared_cosine_error, 0.0), 1.0)
        return cosine / (1.0 + self.variance_for(samples) / self.squared_norm)


def plain(squared_norm: float, variance: float) -> CoarseProblem:
    """Plain training on the finest mesh.

    Args:
        squared_norm: `|E g_0|^2`.
        variance: Of one sample's gradient.
    """
    return CoarseProblem(0, PLAIN, 1.0, 0.0, squared_norm, variance, 1.0)


class Choice(NamedTuple):
    """What serves a level.

    Attributes:
        level: The level.
        coarsening: Of `MultiscaleDataset`, or `PLAIN` for doing without the level.
        gain: That of a step at the cost of a plain one, relative to the plain step's; 1 for
            `PLAIN`, and where the gradient of level 0 is lost in its noise.
    """

    level: int
    coarsening: str
    gain: float

    @property
    def serves(self) -> bool:
        """Whether the level is worth training on."""
        return self.coarsening != PLAIN


def choose(problems: Sequence[CoarseProblem], finest: CoarseProblem, batch_size: int) -> Choice:
    """The coarse problem that serves a level, or none.

    The first candidate is taken unless another's gain is known to be clearly more: with the
    standard error of its cosine taken away, `WORTHWHILE` of it is still more. The level is done
    without if `WORTHWHILE` of a plain step's gain is more than that of the best, a standard error
    added. Where all are alike the coarse level is kept: its steps are as good for their cost, and
    cheaper.

    Args:
        problems: The candidates of one level, the usual one first.
        finest: Plain training, as `plain` makes it.
        batch_size: Samples of a plain step on level 0.

    Example:
        >>> finest = plain(squared_norm=1.0, variance=16.0)
        >>> alike = CoarseProblem(1, "task", 1.0, 0.0, 1.0, 16.0, 0.25)
        >>> biased = alike._replace(coarsening="crop", squared_cosine=0.5)
        >>> choose([alike, biased], finest, batch_size=16)
        Choice(level=1, coarsening='task', gain=1.6)
        >>> choose([biased], finest, batch_size=16).coarsening
        'plain'
    """
    own = finest.gain_for(batch_size)
    best, most = problems[0], problems[0].gain_for(batch_size)
    for problem in problems[1:]:
        if WORTHWHILE * problem.gain_for(batch_size, errors=-1.0) > most:
            best, most = problem, problem.gain_for(batch_size)
    if WORTHWHILE * own > best.gain_for(batch_size, errors=1.0):
        return Choice(best.level, PLAIN, 1.0)
    return Choice(best.level, best.coarsening, most / own if own > 0.0 else 1.0)


def choose_all(
    problems: Sequence[CoarseProblem], finest: CoarseProblem, batch_size: int
) -> tuple[Choice, ...]:
    """`choose` for every level that there are problems of, finest first."""
    levels = sorted({problem.level for problem in problems})
    return tuple(
        choose([p for p in problems if p.level == level], finest, batch_size) for level in levels
    )


def words(choices: Sequence[Choice]) -> str | tuple[str, ...]:
    """What `MultiscaleDataset(coarsening=...)` is to be told: one word, or one for every level.

    The stage of level 0 has the usual word: only its sums, if any, have coarse samples.
    """
    found = ("task", *(c.coarsening if c.serves else "task" for c in choices))
    return found[0] if len(set(found)) == 1 else found
