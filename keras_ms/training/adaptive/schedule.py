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
from keras_ms.training.adaptive.journal import Decision, Journal
from keras_ms.training.adaptive.judge import Judge
from keras_ms.training.checks import (
    check_adaptive_arguments,
    check_adaptive_run,
    check_journal,
    check_losses,
    checked_rate,
)
from keras_ms.training.extent import Extent
from keras_ms.training.shown import ShownDecisions
from keras_ms.validation import positive_integer

Logs = dict[str, Any] | None


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
        check_adaptive_arguments(seconds, work_units, learning_rate)
        check_journal(journal, monitor)
        self._budget = endings.Budget(seconds, work_units)
        self._learning_rate, self._monitor = learning_rate, monitor
        self._patience = positive_integer(patience, "patience")
        self._path, self._verbose, self._measure = journal, verbose, measure
        self._journal = Journal(journal)
        self._epoch: int | None = None

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """Everything decided so far."""
        return tuple(self._journal.decisions)

    @property
    def progress(self) -> float:
        """Share of the budget that was spent when the present epoch began."""
        return self._judge.progress(self._epoch) if self._epoch is not None else 0.0

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
        levels, self._run, self._epoch = run.dataset.levels, run, None
        self._journal = Journal(self._path)
        how = (self._budget, self._patience, self._monitor, self._measure)
        self._judge = Judge(self.model, run, self._journal, *how)
        if self._measure:
            run.names |= set(figure_names(levels.num_levels))
        run.follow(
            self._journal.stage,
            self._journal.measuring,
            Stage(0, (levels.batch_sizes[0],)),
            self._judge.may_end_in,
            end=self._end_stage,
            share=self._judge.progress,
        )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Decides what the epoch trains on, and sets the learning rate."""
        if self._epoch is None and (epoch > 0 or self._run.first_step(epoch)):
            self._journal.resume(epoch)
            self._judge.go_on(self._journal.seconds[-1] if self._journal.seconds else 0.0)
        self._epoch = epoch
        if not self._journal.decisions:
            self._record(self._judge.first(epoch))
        elif self._journal.decisions[-1].epoch < epoch:  # else a resumed run had decided already
            self._record(self._judge.next(epoch, self._rate()))
        self._set_rate(epoch)
        self._epoch_start = self._judge.clock.seconds

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Ends the run after this step if the budget is spent."""
        gauge = self._judge.gauge
        if gauge and not gauge.first_step:
            gauge.first_step = self._judge.clock.seconds - self._epoch_start
        if self._judge.progress(self._epoch or 0, self._run.steps_done(batch)) >= 1.0:
            self.model.stop_training = True

    def on_test_begin(self, logs: Logs = None) -> None:
        """Stops the clock for validation."""
        self._judge.clock.pause()

    def on_test_end(self, logs: Logs = None) -> None:
        """Starts it again."""
        self._judge.clock.go_on()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Notes validation and time, and saves the journal; refuses losses that are not finite."""
        stage = self._run.described(self._run.stage(epoch))
        check_losses(epoch, logs or {}, self._monitor, stage)
        self._journal.note_validation(epoch, logs or {}, self._monitor)
        self._journal.seconds.append(self._judge.clock.seconds)
        self._journal.save()

    def on_train_end(self, logs: Logs = None) -> None:
        """Warns if `fit` ended before the budget, because it had too few epochs."""
        if self._epoch is not None and not self.model.stop_training:
            warnings.warn(
                f"Training ended with {1.0 - self._judge.progress(self._epoch + 1):.0%} of the "
                f"budget left. Received: epochs={self._epoch + 1}. Pass epochs=schedule.epochs to "
                "`fit`.",
                stacklevel=2,
            )

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it, with which it needs no journal to go on."""
        journal, judge = self._journal.as_dict(), self._judge
        spent = {"seconds": judge.clock.seconds, "epoch": self._epoch}
        return {"journal": journal, **spent, "left_early": judge.left_early}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes back what `get_state` returned, within a `fit` that has begun."""
        self._journal.restore(state["journal"])
        self._epoch, self._judge.left_early = state["epoch"], state["left_early"]
        self._judge.go_on(state["seconds"])

    def _end_stage(self, epoch: int) -> bool:
        if self._journal.decisions[-1].finest == 0:
            return False
        self._judge.left_early = True
        return True

    def _record(self, decision: Decision | None) -> None:
        if decision is None:
            return
        before = self._journal.decisions[-1].finest if self._journal.decisions else None
        self._journal.decisions.append(decision)
        self._journal.save()
        loud = self._verbose and (self.params or {}).get("verbose", 1)
        if loud and decision.finest != before:
            print(decision.announced(self._run.dataset.mesh_sizes[decision.finest]))

    def _set_rate(self, epoch: int) -> None:
        if self._learning_rate is not None:
            share = min(1.0, self._judge.progress(epoch))
            self.model.optimizer.learning_rate = checked_rate(self._learning_rate, share)
        self._journal.largest_rate = max(self._journal.largest_rate, self._rate())

    def _rate(self) -> float:
        return float(np.asarray(self.model.optimizer.learning_rate))
