"""What a run shows of its progress: the stage, the share that is done, the time that is left."""

from __future__ import annotations

import time
from typing import Any

import keras

from keras_ms.gradients.level_losses import PREFIX
from keras_ms.training.fit_run import FitRun
from keras_ms.training.run_callbacks import listed

Logs = dict[str, Any] | None
SHOWN_ABOVE = ("stage", "resolution")
"""What the line above the bar shows."""


def duration(seconds: float) -> str:
    """Seconds in words.

    Example:
        >>> duration(8.7), duration(65), duration(7620)
        ('9 s', '1 min 05 s', '2 h 07 min')
    """
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def stage_of(run: FitRun, epoch: int) -> str:
    """Which of how many stages an epoch trains, as in `"stage 2/4"`."""
    levels = run.dataset.levels.num_levels
    return f"stage {levels - run.stage(epoch).finest}/{levels}"


def share_text(share: float) -> str:
    """Share of a budget in words, in whole percent."""
    return f"{min(1.0, share):.0%} of the budget"


def left_text(share: float, seconds: float) -> str:
    """Time that is left of a run, by the time that its share took; empty at its beginning."""
    return f"{duration(seconds * (1.0 / min(1.0, share) - 1.0))} left" if share > 0.0 else ""


class Figure(float):
    """A number that Keras's progress bar shows as it is: without digits that say nothing."""

    def __truediv__(self, other: float) -> Figure:
        return Figure(float(self) / other)

    def __format__(self, spec: str) -> str:
        return f"{round(float(self), 2):,.12g}"


class StageBar(keras.callbacks.ProgbarLogger):
    """Keras's progress bar, with a line above it that says where the run is.

    Args:
        run: The run of the `fit`.
    """

    async_safe = True  # as Keras takes its own

    def __init__(self, run: FitRun) -> None:
        super().__init__()
        self._run, self._began, self._first = run, 0.0, 0.0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the clock."""
        super().on_train_begin(logs)
        self._began, self._first = time.perf_counter(), -1.0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Prints where the run is."""
        super().on_epoch_begin(epoch, logs)
        if self.verbose and keras.config.is_interactive_logging_enabled():
            print(" · ".join(self._parts(epoch)), flush=True)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Moves the bar."""
        super().on_train_batch_end(batch, shown(logs))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ends the bar."""
        super().on_epoch_end(epoch, shown(logs))

    def _parts(self, epoch: int) -> list[str]:
        run = self._run
        mesh = run.dataset.mesh_sizes[run.stage(epoch).finest]
        parts = [stage_of(run, epoch), f"{mesh[run.dataset.levels.axes[0]]} px"]
        share = run.spending.share(epoch)
        if share is None:
            return parts
        self._first = share if self._first < 0.0 else self._first  # of a run that goes on
        parts.append(share_text(share))
        since = (share - self._first) / max(1.0 - self._first, 1e-9)
        left = left_text(since, time.perf_counter() - self._began)
        return [*parts, left] if left else parts


def bars(run: FitRun, callbacks: Any, verbose: bool) -> list[StageBar]:
    """The progress bar of a `fit`, where Keras would add one; else none.

    Args:
        run: The run of the `fit`.
        callbacks: What `fit` was given.
        verbose: Whether `fit` prints.
    """
    own = any(isinstance(one, keras.callbacks.ProgbarLogger) for one in listed(callbacks))
    if not verbose or own or isinstance(callbacks, keras.callbacks.CallbackList):
        return []
    return [StageBar(run)]


def shown(logs: Logs) -> Logs:
    """Logs as the bar shows them."""
    if logs is None:
        return None
    twice = {n for n, v in logs.items() if n.startswith(PREFIX) and v == logs.get("loss")}
    return {
        name: Figure(value) if name == "work_units" else value
        for name, value in logs.items()
        if name not in SHOWN_ABOVE and name not in twice
    }
