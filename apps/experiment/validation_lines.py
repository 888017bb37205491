"""A line per validation: where a run is, its cost, how good it is, how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from .recording import TrainingClock


class ValidationLines(keras.callbacks.Callback):
    """Prints a line after every validation.

    Args:
        progress: The share of the budget that is spent, in [0, 1].
        clock: Counts the seconds.
    """

    def __init__(self, progress: Callable[[], float], clock: TrainingClock) -> None:
        super().__init__()
        self._progress, self._clock = progress, clock

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Prints a validation, if there was one."""
        if not logs or "val_loss" not in logs:
            return
        share = min(1.0, self._progress())
        parts = [
            *self._stage(epoch),
            f"{logs['resolution']:.0f} px",
            f"{share:.0%} of the budget",
            f"{logs['work_units']:,.0f} work units",
            f"loss {logs['loss']:.4f}",
            f"val_loss {logs['val_loss']:.4f}",
            *([f"{duration(self._clock.seconds * (1 / share - 1))} left"] if share else []),
        ]
        print(" · ".join(parts), flush=True)

    def _stage(self, epoch: int) -> list[str]:
        run: Any = getattr(self.model, "fit_run", None)
        if run is None:
            return []
        levels = run.dataset.levels.num_levels
        return [f"stage {levels - run.stage(epoch).finest}/{levels}"]


def duration(seconds: float) -> str:
    """Seconds in words: `"9 s"`, `"1 min 05 s"`, `"2 h 07 min"`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
