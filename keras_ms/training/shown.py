"""How schedules show themselves: in a line, and in a notebook."""

from __future__ import annotations

from typing import Any

from keras_ms import notebooks


class ShownStages:
    """Gives a `FullMultiscaleSchedule` its short forms."""

    def __repr__(self: Any) -> str:
        steps = self.steps_per_epoch
        return f"FullMultiscaleSchedule(iterations={self.iterations}, steps_per_epoch={steps})"

    def _repr_html_(self: Any) -> str:
        """A row per stage, in the order of training."""
        stages = [(level, n) for level, n in reversed(list(enumerate(self.iterations))) if n]
        rows = [(k, level, n, n // self.steps_per_epoch) for k, (level, n) in enumerate(stages, 1)]
        title = f"FullMultiscaleSchedule: {self.epochs} epochs of {self.steps_per_epoch} steps"
        return notebooks.table(title, ("stage", "finest level", "steps", "epochs"), rows)


class ShownDecisions:
    """Gives an `AdaptiveSchedule` its short forms."""

    def __repr__(self: Any) -> str:
        budget = _told(self._budget, "=")
        return f"<AdaptiveSchedule({budget}): {len(self.decisions)} decisions so far>"

    def _repr_html_(self: Any) -> str:
        """A row per decision so far."""
        rows = [
            (d.epoch, d.finest, _listed(d.batch_sizes), f"{d.work_units:,.0f}", d.reason)
            for d in self.decisions
        ]
        columns = ("from epoch", "level", "batches", "after work units", "because")
        return notebooks.table(f"AdaptiveSchedule, {_told(self._budget, ': ')}", columns, rows)


def _listed(sizes: Any) -> str:
    return ", ".join(map(str, sizes))


def _told(budget: Any, between: str) -> str:
    name = "seconds" if budget.work_units is None else "work_units"
    return f"{name}{between}{getattr(budget, name):g}"
