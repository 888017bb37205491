"""What an adaptive run trains on next: the stage that it is in, or the next finer one, and why."""

from __future__ import annotations

from typing import Any

from keras_ms.levels import Stage
from keras_ms.training.adaptive import endings
from keras_ms.training.adaptive.gauge import Finding, LevelGauge, Spent
from keras_ms.training.adaptive.journal import Decision, Journal
from keras_ms.training.clock import Clock

Verdict = tuple[str, dict[str, Any]]
_BIASED = "the coarse gradient is biased"
_LEFT_EARLY = "a callback ended the stage"


class Judge:
    """Decides where an epoch begins, by the budget, by validation and by what was measured.

    Args:
        model: The model in training.
        run: Its run.
        journal: What was decided and seen so far; who asks adds to it.
        budget: What the run may spend.
        patience: Validations without improvement after which a level is left.
        monitor: Name of the loss in validation.
        measure: Whether to measure gradients.

    Attributes:
        clock: Shows the seconds that were spent.
        gauge: What measures gradients; `None` if nothing does.
        left_early: Whether a callback has ended the present stage.
    """

    def __init__(
        self,
        model: Any,
        run: Any,
        journal: Journal,
        budget: endings.Budget,
        patience: int,
        monitor: str,
        measure: bool,
    ) -> None:
        self._model, self._run, self._journal, self._budget = model, run, journal, budget
        self._patience, self._monitor, self._measure = patience, monitor, measure
        self._levels = run.dataset.levels
        # Levels that `coarsening="auto"` does without have the stage of a finer one.
        self._serving = {stage.finest for stage in run.stages}
        self.left_early = False
        self.gauge: LevelGauge | None = None
        self.go_on(0.0)

    def go_on(self, seconds: float) -> None:
        """Goes on from the journal.

        Args:
            seconds: What was spent.
        """
        self.clock = Clock(seconds)
        if self._measure:
            found = [d.measured for d in self._journal.decisions if d.measured]
            self.gauge = LevelGauge(self._model, self._run.dataset, found, self._run.chunks)
            self._run.at_the_end.callback(self.gauge.close)

    def progress(self, epoch: int, steps: int = 0) -> float:
        """Share of the budget that is spent after so many steps of an epoch."""
        return self._budget.share(self._run.spending.work_units(epoch, steps), self.clock.seconds)

    def may_end_in(self, epoch: int) -> bool:
        """Whether the budget may be spent within an epoch."""
        spent = self._run.spending.work_units(epoch, self._run.dataset.steps_per_epoch)
        ends = [0.0, 0.0, *self._journal.seconds[-2:]]
        last = ends[-1] - ends[-2]
        return self._budget.share(spent, self.clock.seconds + 2.0 * last) >= 1.0

    def first(self, epoch: int) -> Decision:
        """What a run begins with."""
        coarsest = max(self._serving)
        sizes = (self._levels.batch_sizes[coarsest],)
        return Decision(epoch, coarsest, sizes, "start on the coarsest level")

    def next(self, epoch: int, rate: float) -> Decision | None:
        """What is new where an epoch begins; `None` if nothing is.

        Args:
            epoch: The epoch, not the first.
            rate: The present learning rate.
        """
        last = self._journal.decisions[-1]
        if last.finest == 0:
            return None
        spent = {"work_units": self._work_units(epoch), "seconds": self.clock.seconds}
        left: Verdict = (_LEFT_EARLY if self.left_early else "", {})
        reason, figures = self._used_up(epoch) or self._stalled() or left
        self.left_early = False
        found = self._look(epoch, last.finest, rate)
        if not (reason or found.measured):
            return None
        reason, figures = _BIASED if found.biased else reason, {**figures, **found.figures}
        stage = last.stage
        if reason:
            finer = max(level for level in self._serving if level < last.finest)
            stage, why = self._next_stage(finer)
            figures |= why
        return Decision(
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

    def _look(self, epoch: int, level: int, rate: float) -> Finding:
        if self.gauge is None:
            return Finding()
        measuring, passed = self._journal.measuring(epoch), self.clock.seconds
        left = self._budget.seconds_left(passed)
        seconds = None if left is None else (passed, left)
        share = rate / (self._journal.largest_rate or 1.0)
        spent = Spent(self._work_units(epoch) - measuring, measuring, seconds)
        finding = self.gauge.look(level, spent, share)
        if finding.measured:
            self._run.figures |= self.gauge.measured[-1].found.figures(level - 1)
        return finding

    def _next_stage(self, level: int) -> tuple[Stage, dict[str, Any]]:
        if self.gauge is None:
            return Stage(level, (self._levels.batch_sizes[level],)), {}
        return self.gauge.stage(level, self._budget.seconds_left(self.clock.seconds))

    def _used_up(self, epoch: int) -> Verdict | None:
        start = self._journal.stage_start
        begun = self._budget.share(start.work_units + start.measuring, start.seconds)
        figures = endings.used_up(begun, self.progress(epoch))
        return ("half of the rest is spent", figures) if figures else None

    def _stalled(self) -> Verdict | None:
        start = self._journal.stage_start.epoch
        losses = [loss for epoch, loss in self._journal.validations if epoch >= start]
        figures = endings.stalled(losses, self._patience)
        return (f"{self._monitor} no longer improves", figures) if figures else None

    def _work_units(self, epoch: int) -> float:
        return self._run.spending.work_units(epoch, 0) if epoch else 0.0
