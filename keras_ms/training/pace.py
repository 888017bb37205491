"""How many steps of a stage go into one execution, chosen by measuring its first epochs.

Between two steps Python runs Keras's loop and TensorFlow starts a graph. On a coarse level, whose
steps take milliseconds, that is a fifth of the time. Several steps in one execution save it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_ms.keras_internals.fitting import StepsAtOnce, writes_by_epoch
from keras_ms.levels import Stage

LONGEST = 0.25
"""Seconds that an execution may take: the progress bar, budgets and Ctrl-C wait for its end."""
TRIALS = 2
"""Epochs that each number of steps is timed in; the quicker one counts."""

_HOOKS = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
_BY_EPOCH = (keras.callbacks.BackupAndRestore, keras.callbacks.ModelCheckpoint)


def largest_divisor(number: int, most: float) -> int:
    """The largest divisor of a number that is at most `most`; 1 if there is none.

    Example:
        >>> largest_divisor(100, 30.0)
        25
    """
    small = [n for n in range(1, math.isqrt(number) + 1) if number % n == 0]
    return max((n for k in small for n in (k, number // k) if n <= most), default=1)


def steps_at_once(found: Mapping[int, Sequence[float]], steps: int) -> int:
    """How many steps the executions of a stage's next epoch hold.

    One at a time comes first. Then as many are tried as divide the epoch and take no longer than
    `LONGEST`; after that the faster of the two stays.

    Args:
        found: Seconds per step in the epochs timed so far, by steps at once.
        steps: Steps of an epoch.
    """
    if not found.get(1):
        return 1
    most = largest_divisor(steps, LONGEST / max(found[1][0], 1e-9))
    if most > 1 and len(found.get(most, ())) < TRIALS:
        return most
    return min(found, key=lambda count: min(found[count]))


def looks_at_steps(callback: Any) -> bool:
    """Whether a callback is to be called after every single step.

    Those of Keras that act at ends of epochs are not, nor what says `several_steps_safe = True`.
    """
    if getattr(callback, "several_steps_safe", False):
        return False
    if isinstance(callback, keras.callbacks.ProgbarLogger):
        return False
    if type(callback) in _BY_EPOCH and callback.save_freq == "epoch":
        return False
    if writes_by_epoch(callback):
        return False
    return any(_is_own(callback, hook) for hook in _HOOKS)


def _is_own(callback: Any, hook: str) -> bool:
    found = getattr(callback, hook, None)
    # A LambdaCallback holds functions, not methods.
    return getattr(found, "__func__", found) is not getattr(keras.callbacks.Callback, hook)


class Pace:
    """Chooses the number for every epoch of a run, and times the epochs that it chooses by.

    The numbers are functions of the clock, so nothing but the time may depend on them.

    Args:
        steps_per_epoch: Steps of an epoch.

    Attributes:
        count: The present number, which Keras counts by.
        single: Whether an epoch is to be done step by step, as when a run may end within it.
    """

    def __init__(self, steps_per_epoch: int) -> None:
        self.count = StepsAtOnce()
        self.single: Callable[[int], bool] = lambda epoch: False
        self._steps = steps_per_epoch
        self._found: dict[Stage, dict[int, list[float]]] = {}
        self._epoch: tuple[Stage, int] | None = None
        self._possible = True
        self._done = 0
        self._since = 0.0

    def begin(self) -> None:
        """Forgets the epoch: what ran before training is not timed."""
        self._epoch, self.count.value = None, 1

    def begin_epoch(self, stage: Stage, epoch: int) -> None:
        """Chooses the number for an epoch of a stage, once."""
        if self._epoch == (stage, epoch):
            return
        self._epoch, self._done = (stage, epoch), 0
        several = self._possible and not self.single(epoch)
        found = self._found.setdefault(stage, {})
        self.count.value = steps_at_once(found, self._steps) if several else 1

    def give_up(self) -> None:
        """Stays with single steps from now on."""
        self._possible = False

    def ran(self, began: float, logs: Any) -> None:
        """Notes an execution.

        Args:
            began: When it began, on `time.perf_counter`.
            logs: What it returned.
        """
        if self._epoch is None:
            return
        count = self.count.value
        found = self._found[self._epoch[0]].setdefault(count, [])
        self._done += count
        if self._done > count:
            if self._done == self._steps and len(found) < TRIALS:
                found.append((_end_of(logs) - self._since) / (self._steps - count))
            return
        # The first execution of an epoch may trace and fill caches, so time runs from its end.
        self._since = _end_of(logs)
        if count == self._steps and len(found) < TRIALS:
            found.append((self._since - began) / count)


def _end_of(logs: Any) -> float:
    """When an execution is over, on an accelerator too."""
    keras.tree.map_structure(np.asarray, logs)
    return time.perf_counter()
