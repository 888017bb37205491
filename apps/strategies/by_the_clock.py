"""Stages, learning rate and end of a run by the share of its seconds that is spent.

A plan in steps has to know beforehand what steps take. Where that changes, as on a machine with
other work, it ends too early or is cut off too early. The clock does neither.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import keras

import keras_ms

from ..experiment.recording import TrainingClock

Logs = dict[str, Any] | None
RATES = 500  # different learning rates in a run: to set one takes as long as a small step


class ByTheClock(keras.callbacks.Callback):
    """Gives every stage its share of the seconds, and decays the learning rate with them.

    Stages begin at the start of an epoch, and none that has a share is left out: each has an epoch
    or more, also where starting up takes longer than its share.

    Args:
        clock: Counts the seconds; comes before this one among the callbacks.
        seconds: When to stop.
        shares: Parts of the seconds, of any sum, by finest level of the stage; 0 leaves it out.
            One number is a run without stages.
        rate: The learning rate, or a function of the share of the seconds that is spent.

    Attributes:
        finest: Of every epoch so far, the finest level.
        steps: Taken by every stage, finest first.
    """

    several_steps_safe = True  # an execution is short: the rate may wait, and the end, too

    def __init__(
        self, clock: TrainingClock, seconds: float, shares: Sequence[float], rate: Any
    ) -> None:
        super().__init__()
        self._clock, self._seconds, self._rate = clock, seconds, rate
        self._stages = [level for level, share in enumerate(shares) if share][::-1]
        parts = [shares[level] / sum(shares) for level in self._stages]
        self._ends = list(itertools.accumulate(parts))
        self.finest: list[int] = []
        self._at, self._set_at, self._in_epoch = 0, -1, 0
        self.steps = [0] * len(shares)

    @property
    def progress(self) -> float:
        """Share of the seconds that is spent."""
        return min(1.0, self._clock.seconds / self._seconds)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Takes over the choice of stage, if there are several."""
        run: Any = self.model.fit_run
        self._run = run
        if len(self.steps) > 1:
            run.follow(self._stage, finest=run.stage_from(self._stages[-1]))

    def _stage(self, epoch: int) -> keras_ms.levels.Stage:
        finest = self.finest[epoch] if epoch < len(self.finest) else self._stages[self._at]
        return self._run.stage_from(finest)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Goes on to the next stage if the time of the present one is up."""
        if epoch < len(self.finest):  # had begun before the run was stopped
            return
        last = len(self._stages) - 1
        if self.finest and self._at < last and self.progress >= self._ends[self._at]:
            self._at += 1
        self.finest.append(self._stages[self._at])

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Sets the learning rate."""
        mark = int(RATES * self.progress)
        if callable(self._rate) and mark != self._set_at:
            self.model.optimizer.learning_rate = float(self._rate(self.progress))
            self._set_at = mark

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Stops when time is up, and says so if the finest stage was not reached."""
        self._in_epoch = self._run.steps_done(batch)
        if self.progress < 1.0 or self.model.stop_training:
            return
        self.model.stop_training = True
        if self._at < len(self._stages) - 1:
            stage = self._run.described(self._stage(len(self.finest) - 1))
            print(
                f"Time is up on {stage}: the finest level was not trained on, so results are worse "
                "than they could be. Give more --seconds."
            )

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Counts the steps."""
        self.steps[self.finest[-1]] += self._in_epoch

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"finest": list(self.finest), "at": self._at, "steps": list(self.steps)}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from what `get_state` returned."""
        self.finest, self._at = list(state["finest"]), state["at"]
        self.steps[:] = state["steps"]
