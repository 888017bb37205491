"""AdaptiveSchedule: coarse to fine, switching when budget or validation say so."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_ms.gradients.estimates import figure_names
from keras_ms.levels import Stage
from keras_ms.training.adaptive import endings
from keras_ms.training.adaptive.gauge import Finding, LevelGauge, Spent
from keras_ms.training.adaptive.journal import Decision, Journal
from keras_ms.training.checks import (
    check_adaptive_arguments,
    check_adaptive_run,
    check_journal,
    check_losses,
    checked_rate,
)
from keras_ms.training.clock import Clock
from keras_ms.training.extent import Extent
from keras_ms.training.shown import ShownDecisions

Logs = dict[str, Any] | None
Verdict = tuple[str, dict[str, Any]]
_BIASED = "the coarse gradient is biased"
_LEFT_EARLY = "a callback ended the stage"


class AdaptiveSchedule(ShownDecisions, keras.callbacks.Callback):
    """Coarse-to-fine training that decides by itself when to go on to the next finer level.

    Training starts on the coarsest level, with plain batches of the dataset's `N_(L-1)`. It leaves
    level `l` for the next finer one, with batches of `N_(l-1)`, as soon as (levels that a dataset
    with `coarsening="auto"` is found to be better without are passed over)

    - half of the budget that was left when the stage began is used: hot-started, every finer level
      needs less (Theorem 1 of Ahamed et al., TMLR 2026); or
    - the validation loss has not improved for `patience` validations.

    With `measure=True` gradients are measured on the way, at most for a twentieth of the work (the
    logged `work_units` contain it). Then a stage also ends when its gradient is biased against the
    next finer level's by more than a step is uncertain anyway; and the next stage takes a
    telescoping sum, with its control weights, in place of the plain batch where the rule of
    `diagnose` finds that clearly cheaper, in work units. In the runs that we compared, measuring
    gained nothing in the end. A budget of work units makes all decisions functions of the seeds.

    Args:
        seconds: Stop after so many seconds, validation not counted; or
        work_units: stop after so many work units. One of the two.
        learning_rate: The rate as a function of the share of the budget that is spent, in [0, 1],
            for example `keras.optimizers.schedules.CosineDecay(3e-3, 1.0)`; set at the start of
            every epoch. Defaults to leaving the optimizer's rate alone.
        patience: Validations without improvement after which a level is left. Defaults to 3.
        monitor: What is to decrease in validation.
        journal: JSON file for all decisions and the figures that led to them. A run that goes on
            at a later epoch (`BackupAndRestore`) reads it, and needs it.
        verbose: Whether to print a line when a stage starts (never if `fit(verbose=0)`).
        measure: Whether to measure gradients. Defaults to `False`.

    Attributes:
        decisions: Everything decided so far, as `Decision`s.
        epochs: What to pass to `fit(epochs=...)`: more than any budget lasts. Since nobody knows
            how many it will be, Keras's progress bar shows "Epoch 3/?".

    Raises:
        ValueError: If not exactly one budget is given or an argument is out of range; when training
            starts, if the data is no `MultiscaleDataset`, the optimizer's rate cannot be set, or
            a run that goes on has no journal; or when the loss, its validation or a measured
            gradient is not finite, by which nothing can be decided.

    Example:
        >>> network = keras_ms.networks.ResNet(width=8)
        >>> model = keras_ms.MultiscaleModel(network.input, network.output)
        >>> model.compile(keras.optimizers.Adam(3e-3), "mse")
        >>> dataset = keras_ms.MultiscaleDataset(
        ...     keras_ms.data.photos("train"), keras_ms.tasks.Denoising(), (2, 4), 32, 2)
        >>> schedule = keras_ms.AdaptiveSchedule(
        ...     work_units=20, learning_rate=keras.optimizers.schedules.CosineDecay(3e-3, 1.0))
        >>> history = model.fit(dataset, epochs=schedule.epochs, callbacks=[schedule], verbose=0)
        >>> [decision.finest for decision in schedule.decisions]
        [1, 0]
    """

    epochs: int = endings.EPOCHS
    knows_stages = True
    several_steps_safe = True  # an epoch in which the run may end is done step by step

    def __init__(
        self,
        seconds: float | None = None,
        work_units: float | None = None,
        learning_rate: Callable[[float], Any] | None = None,
        patience: int = 3,
        monitor: str = "val_loss",
        journal: str | os.PathLike[str] | None = None,
        verbose: bool = True,
        measure: bool = False,
    ) -> None:
        super().__init__()
        check_adaptive_arguments(seconds, work_units, learning_rate, patience)
        check_journal(journal, monitor)
        self._budget = endings.Budget(seconds, work_units)
        self._learning_rate, self._patience, self._monitor = learning_rate, patience, monitor
        self._path, self._verbose, self._measure = journal, verbose, measure
        self._journal = Journal(journal)
        self._epoch: int | None = None
        self._left_early = False

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Everything decided so far."""
        return tuple(self._journal.decisions)

    @property
    def progress(self) -> float:
        """Share of the budget that was spent when the present epoch began."""
        return self._progress(self._epoch, 0) if self._epoch is not None else 0.0

    def extent_of_run(self, costs: Sequence[float]) -> Extent:
        """What the run is to take, whatever its steps cost."""
        return self._budget.extent

    def on_train_begin(self, logs: Logs = None) -> None:
        """Takes over the choice of stage."""
        run: Any = getattr(self.model, "fit_run", None)
        check_adaptive_run(self.model, run, bool(self._learning_rate))
        if self._learning_rate is not None:
            for share in (0.0, 0.5, 1.0):
                checked_rate(self._learning_rate, share)
        self._run, self._levels = run, run.dataset.levels
        # Levels that `coarsening="auto"` does without have the stage of a finer one.
        self._serving = {stage.finest for stage in run.stages}
        self._journal, self._clock = Journal(self._path), Clock()
        self._gauge = self._new_gauge() if self._measure else None
        if self._measure:
            run.names |= set(figure_names(self._levels.num_levels))
        self._epoch, self._left_early = None, False
        finest = Stage(0, (self._levels.batch_sizes[0],))
        run.follow(
            self._journal.stage,
            self._journal.measuring,
            finest,
            self._may_end_in,
            end=self._end_stage,
            share=lambda epoch: self._progress(epoch, 0),
        )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Decides what the epoch trains on, and sets the learning rate."""
        if self._epoch is None and (epoch > 0 or self._run.first_step(epoch)):
            self._resume(epoch)
        self._epoch = epoch
        if not self._journal.decisions:
            self._start(epoch)
        elif self._journal.decisions[-1].epoch < epoch:  # else a resumed run had decided already
            self._decide(epoch)
        self._set_rate(epoch)
        self._epoch_start = self._clock.seconds

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ends the run after this step if the budget is spent."""
        if self._gauge and not self._gauge.first_step:
            self._gauge.first_step = self._clock.seconds - self._epoch_start
        if self._progress(self._epoch or 0, self._run.steps_done(batch)) >= 1.0:
            self.model.stop_training = True

    def on_test_begin(self, logs: Logs = None) -> None:
        """Stops the clock for validation."""
        self._clock.pause()

    def on_test_end(self, logs: Logs = None) -> None:
        """Starts it again."""
        self._clock.go_on()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Notes validation and time, and saves the journal; refuses losses that are not finite."""
        stage = self._run.described(self._run.stage(epoch))
        check_losses(epoch, logs or {}, self._monitor, stage)
        self._journal.note_validation(epoch, logs or {}, self._monitor)
        self._journal.seconds.append(self._clock.seconds)
        self._journal.save()

    def on_train_end(self, logs: Logs = None) -> None:
        """Warns if `fit` ended before the budget, because it had too few epochs."""
        if self._epoch is not None and not self.model.stop_training:
            warnings.warn(
                f"Training ended with {1.0 - self._progress(self._epoch + 1, 0):.0%} of the budget "
                f"left. Received: epochs={self._epoch + 1}. Pass epochs=schedule.epochs to `fit`.",
                stacklevel=2,
            )

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, with which it needs no journal to go on."""
        journal = self._journal.as_dict()
        spent = {"seconds": self._clock.seconds, "epoch": self._epoch}
        return {"journal": journal, **spent, "left_early": self._left_early}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes back what `get_state` returned, within a `fit` that has begun."""
        self._journal.restore(state["journal"])
        self._epoch, self._left_early = state["epoch"], state["left_early"]
        self._go_on(state["seconds"])

    def _resume(self, epoch: int) -> None:
        self._journal.resume(epoch)
        self._go_on(self._journal.seconds[-1] if self._journal.seconds else 0.0)

    def _go_on(self, seconds: float) -> None:
        self._clock = Clock(seconds)
        if self._measure:
            found = [d.measured for d in self._journal.decisions if d.measured]
            self._gauge = self._new_gauge(found)

    def _new_gauge(self, found: Sequence[dict[str, Any]] = ()) -> LevelGauge:
        gauge = LevelGauge(self.model, self._run.dataset, found, self._run.chunks)
        self._run.at_the_end.callback(gauge.close)
        return gauge

    def _start(self, epoch: int) -> None:
        coarsest = max(self._serving)
        sizes = (self._levels.batch_sizes[coarsest],)
        self._record(Decision(epoch, coarsest, sizes, "start on the coarsest level"))

    def _decide(self, epoch: int) -> None:
        last = self._journal.decisions[-1]
        if last.finest == 0:
            return
        spent = {"work_units": self._spent(epoch), "seconds": self._clock.seconds}
        left: Verdict = (_LEFT_EARLY if self._left_early else "", {})
        reason, figures = self._used_up(epoch) or self._stalled() or left
        self._left_early = False
        found = self._look(epoch, last.finest)
        if not (reason or found.measured):
            return
        reason, figures = _BIASED if found.biased else reason, {**figures, **found.figures}
        stage = last.stage
        if reason:
            finer = max(level for level in self._serving if level < last.finest)
            stage, why = self._next_stage(finer)
            figures |= why
        self._record(
            Decision(
                epoch,
                stage.finest,
                stage.batch_sizes,
                reason or "the coarse gradient serves",
                **spent,
                figures=figures,
                measured=found.measured,
                measuring=found.measuring,
                control_weights=stage.control_weights,
            )
        )

    def _look(self, epoch: int, level: int) -> Finding:
        if self._gauge is None:
            return Finding()
        measuring, passed = self._journal.measuring(epoch), self._clock.seconds
        left = self._budget.seconds_left(passed)
        seconds = None if left is None else (passed, left)
        share = self._rate() / (self._journal.largest_rate or 1.0)
        spent = Spent(self._spent(epoch) - measuring, measuring, seconds)
        finding = self._gauge.look(level, spent, share)
        if finding.measured:
            self._run.figures |= self._gauge.measured[-1].found.figures(level - 1)
        return finding

    def _next_stage(self, level: int) -> tuple[Stage, dict[str, Any]]:
        if self._gauge is None:
            return Stage(level, (self._levels.batch_sizes[level],)), {}
        return self._gauge.stage(level, self._budget.seconds_left(self._clock.seconds))

    def _used_up(self, epoch: int) -> Verdict | None:
        start = self._journal.stage_start
        begun = self._budget.share(start.work_units + start.measuring, start.seconds)
        figures = endings.used_up(begun, self._progress(epoch, 0))
        return ("half of the rest is spent", figures) if figures else None

    def _stalled(self) -> Verdict | None:
        start = self._journal.stage_start.epoch
        losses = [loss for epoch, loss in self._journal.validations if epoch >= start]
        figures = endings.stalled(losses, self._patience)
        return (f"{self._monitor} no longer improves", figures) if figures else None

    def _end_stage(self, epoch: int) -> bool:
        if self._journal.decisions[-1].finest == 0:
            return False
        self._left_early = True
        return True

    def _record(self, decision: Decision) -> None:
        before = self._journal.decisions[-1].finest if self._journal.decisions else None
        self._journal.decisions.append(decision)
        self._journal.save()
        loud = self._verbose and (self.params or {}).get("verbose", 1)
        if loud and decision.finest != before:
            print(decision.announced(self._run.dataset.mesh_sizes[decision.finest]))

    def _set_rate(self, epoch: int) -> None:
        if self._learning_rate is not None:
            share = min(1.0, self._progress(epoch, 0))
            self.model.optimizer.learning_rate = checked_rate(self._learning_rate, share)
        self._journal.largest_rate = max(self._journal.largest_rate, self._rate())

    def _rate(self) -> float:
        return float(np.asarray(self.model.optimizer.learning_rate))

    def _spent(self, epoch: int) -> float:
        return self._run.spending.work_units(epoch, 0) if epoch else 0.0

    def _may_end_in(self, epoch: int) -> bool:
        spent = self._run.spending.work_units(epoch, self._run.dataset.steps_per_epoch)
        ends = [0.0, 0.0, *self._journal.seconds[-2:]]
        last = ends[-1] - ends[-2]
        return self._budget.share(spent, self._clock.seconds + 2.0 * last) >= 1.0

    def _progress(self, epoch: int, steps: int) -> float:
        return self._budget.share(self._run.spending.work_units(epoch, steps), self._clock.seconds)
