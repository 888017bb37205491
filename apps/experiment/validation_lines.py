"""A line per validation: where a run is, its cost, how good it is, how long it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from keras_ms.training.progress import left_text, share_text, stage_of

from .printable import units_text
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
        share = self._progress()
        left = left_text(share, self._clock.seconds)
        parts = [
            *self._stage(epoch),
            f"{logs['resolution']:.0f} px",
            share_text(share),
            f"{units_text(logs['work_units'])} work units",
            f"loss {logs['loss']:.4f}",
            f"val_loss {logs['val_loss']:.4f}",
            *([left] if left else []),
        ]
        print(" · ".join(parts), flush=True)

    def _stage(self, epoch: int) -> list[str]:
        run: Any = getattr(self.model, "fit_run", None)
        return [] if run is None else [stage_of(run, epoch)]
