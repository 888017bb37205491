"""A network trained from level to level, or on one, and its error on each while it trains."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from .passes import loss_function, plain, total

if TYPE_CHECKING:
    import keras_ms

PIXELS = 16 * 128**2  # in the network at once


class Watch(keras.callbacks.Callback):
    """Notes the error on the level that is trained, before its first step and after every epoch.

    Args:
        level_of: The finest level of an epoch.
        error: The error on a level.

    Attributes:
        errors: By level.
    """

    def __init__(self, level_of: Callable[[int], int], error: Callable[[int], float]) -> None:
        super().__init__()
        self._level_of, self._error = level_of, error
        self.errors: dict[int, list[float]] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the error that a level starts with."""
        level = self._level_of(epoch)
        if level not in self.errors:
            self.errors[level] = [self._error(level)]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the error after so many steps more."""
        level = self._level_of(epoch)
        self.errors[level].append(self._error(level))


def watched(
    model: keras_ms.MultiscaleModel,
    dataset: keras_ms.MultiscaleDataset,
    held_out: keras_ms.MultiscaleDataset,
    iterations: tuple[int, ...],
    samples: int,
) -> dict[int, list[float]]:
    """Trains a model coarse to fine by Full-Multiscale (Algorithm 2), and watches its error.

    Args:
        model: A compiled model.
        dataset: What it is trained on.
        held_out: Other pictures on the same levels.
        iterations: Of the stage with each finest level, finest first; 0 to leave a stage out.
        samples: Held-out pictures that the error is the mean loss of.

    Returns:
        Errors by level: before its first step, and after every epoch of it.
    """
    import keras_ms

    loss = loss_function(model, dataset, training=False)
    pairs = {
        level: plain(_pair(held_out, level, samples), PIXELS)
        for level, steps in enumerate(iterations)
        if steps
    }
    schedule = keras_ms.FullMultiscaleSchedule(iterations, dataset.steps_per_epoch, verbose=False)
    watch = Watch(schedule.finest_level, lambda level: float(total(loss, pairs[level])))
    callbacks = [schedule, watch]
    model.fit(dataset, epochs=schedule.epochs, callbacks=callbacks, rehearse=False, verbose=0)
    return watch.errors


def _pair(dataset: keras_ms.MultiscaleDataset, level: int, samples: int) -> Any:
    return next(iter(dataset.stage(level, batch_sizes=(samples,)))).fine[level]


def iterations_until(errors: list[float], goal: float, every: int) -> int | None:
    """Steps after which errors, noted every so many steps, first reached a goal, or `None`."""
    reached = np.flatnonzero(np.array(errors) <= goal)
    return int(reached[0]) * every if len(reached) else None


def fixed_error(errors: list[float], excess: float) -> float:
    """The error that others are timed to as well: the least of a run, and a part of it more."""
    return (1.0 + excess) * min(errors)
