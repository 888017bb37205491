"""After which steps a run saves, or stops: by the clock, and on several hosts by agreement.

Clocks differ from host to host, and a signal reaches one of them. So hosts ask each other after a
number of steps, which the chief says anew each time. All then do the same after the same step.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ms.training.collectives import Sums, sums_of

BETWEEN = 1.0
"""Seconds between two questions, if steps go on to take as long as they did."""
UNNUMBERED = -1


class Moments:
    """When to save, of a run on one host.

    Args:
        every: Seconds between two saves.

    Attributes:
        ending: The error that the run is to end with now, or `None`.
    """

    def __init__(self, every: float) -> None:
        self._every, self._last = every, time.monotonic()
        self.ending: BaseException | None = None

    def saved(self) -> None:
        """Begins to wait for the next time."""
        self._last = time.monotonic()

    def begin_stage(self) -> None:
        """Hears that steps take another time from now on."""

    def count(self) -> None:
        """Counts a step, or an execution of several."""

    def come(self, stop: BaseException | None, last: bool = False) -> bool:
        """Whether to save now; and to stop, see `ending`.

        Args:
            stop: The error that this host is asked to stop with, or `None`.
            last: Whether the run ends here anyway.
        """
        self.ending = stop
        return stop is not None or self._seconds_left <= 0.0

    @property
    def _seconds_left(self) -> float:
        return self._last + self._every - time.monotonic()


class JointMoments(Moments):
    """When to save, of a run on several hosts: the chief's clock counts, and anyone may stop.

    Args:
        every: Seconds between two saves.
        sums: Sums over the hosts.
        asked_by: The error to end with when another host stops, of its place and the attribute
            `number` of its own error; -1 if that has none.
    """

    def __init__(
        self, every: float, sums: Sums, asked_by: Callable[[int, int], BaseException]
    ) -> None:
        super().__init__(every)
        self._sums, self._asked_by, self._asked = sums, asked_by, self._last
        self._most = self._left = 1
        self._done = 0

    def begin_stage(self) -> None:
        """Has hosts ask each other after the next step."""
        self._most = self._left = 1

    def count(self) -> None:
        """Counts a step, or an execution of several."""
        self._left, self._done = self._left - 1, self._done + 1

    def come(self, stop: BaseException | None, last: bool = False) -> bool:
        """Likewise; all hosts call it after the same steps, and get the same answer."""
        self.ending = None
        if self._left > 0 and not last:
            return False
        number = 0 if stop is None else int(getattr(stop, "number", 0)) or UNNUMBERED
        told = [number, self._seconds_left <= 0.0, self._steps_ahead()]
        table = self._sums.gathered(told)
        self._most = self._left = int(table[0, 2])
        self._asked, self._done = time.monotonic(), 0
        hosts = np.flatnonzero(table[:, 0])
        if len(hosts):
            first = int(hosts[0])
            # What has come to this host since it told the others has to wait.
            self.ending = stop or self._asked_by(first, int(table[first, 0]))
        return bool(len(hosts)) or bool(table[0, 1])

    def _steps_ahead(self) -> int:
        """Steps until the next question: at most twice as many as before, lest one is far away."""
        took = max(time.monotonic() - self._asked, 1e-6) / max(self._done, 1)
        wait = min(BETWEEN, max(self._seconds_left, 0.0))
        return max(1, min(2 * self._most, int(wait / took)))


def moments_of(model: Any, every: float, asked_by: Callable[[int, int], BaseException]) -> Moments:
    """Those of a model in training; see the classes."""
    run = getattr(model, "fit_run", None)
    if run is None or run.place.hosts == 1:
        return Moments(every)
    return JointMoments(every, sums_of(model.distribute_strategy), asked_by)
