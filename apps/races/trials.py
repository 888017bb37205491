"""The learning rate of a contestant: that whose trials end lowest."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

PATIENT = 3.0  # times as long are trials where none could start up


def best_rate(
    name: str,
    rates: Sequence[float],
    trial: Callable[[float, float], float],
    seconds: float,
    patience: Sequence[float] = (1.0, PATIENT),
) -> float:
    """The rate whose trials end with the least loss; of those that end alike, the first.

    Args:
        name: The contestant, for the error.
        rates: To choose from. A single one needs no trial.
        trial: The loss at the end of a trial, of a rate and so many seconds; not finite if it
            could not start up.
        seconds: Length of a trial.
        patience: How many times as long trials are, one after another, until one comes to an end.

    Raises:
        ValueError: If not even the longest trials pay for starting up.
    """
    if len(rates) == 1:
        return rates[0]
    for times in patience:
        found = {rate: trial(rate, times * seconds) for rate in rates}
        ended = {rate: loss for rate, loss in found.items() if math.isfinite(loss)}
        if ended:
            return min(ended, key=ended.__getitem__)
    raise ValueError(
        f"No trial of {name} came to an end. Received: --trial_seconds={seconds:g}, which does "
        "not pay for starting up. Give more."
    )
