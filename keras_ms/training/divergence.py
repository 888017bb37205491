"""StopOnDivergence: a run whose numbers are not finite, or whose loss explodes, ends there."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from keras_ms.training.watch import KINDS, SOUND, Watch
from keras_ms.validation import is_number, shown

Logs = dict[str, Any] | None
CAUSES = {
    KINDS[0]: "The examples that it took hold NaN or Inf: look at your data.",
    KINDS[1]: "Use a smaller learning rate.",
    KINDS[2]: "Use a smaller learning rate, or a loss whose gradients are finite everywhere.",
    KINDS[3]: "Use a smaller learning rate.",
}
UNKNOWN = "Use a smaller learning rate, and look for NaN and Inf in your data."


class DivergedError(ValueError):
    """Training that leads nowhere any more.

    Args:
        message: What happened, where, and what helps.
        by_data: Whether examples were to blame, so that other learning rates do not help.

    Example:
        >>> keras_ms.callbacks.DivergedError("The loss is NaN.", by_data=True).by_data
        True
    """

    def __init__(self, message: str, by_data: bool = False) -> None:
        super().__init__(message)
        self.by_data = by_data


class StopOnDivergence(keras.callbacks.Callback):
    """Ends a `fit` at the step at which data, loss, gradients or weights hold NaN or Inf.

    The check is part of the compiled step, so executions of several steps end at the step as well.
    It changes no number. With several replicas the loss alone is looked at, after every execution.

    Args:
        largest_loss: A loss, in training or in validation, that is larger in size than this counts
            as diverged, too. Defaults to none.

    Raises:
        ValueError: If `largest_loss` is not positive.
        DivergedError: In `fit`, a `ValueError` that names what is not finite, and stage, level,
            epoch and step.

    Example:
        >>> callbacks = [keras_ms.callbacks.StopOnDivergence()]  # of `MultiscaleModel.fit`
    """

    several_steps_safe = True

    def __init__(self, largest_loss: float = math.inf) -> None:
        super().__init__()
        if not is_number(largest_loss) or not largest_loss > 0.0:
            raise ValueError(
                f"`largest_loss` is a positive number. Received: "
                f"largest_loss={shown(largest_loss)}."
            )
        self.largest_loss = largest_loss
        self._watch: Watch | None = None
        self._epoch, self._start = 0, 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Has the model's step take note."""
        self._watch = watch_of(self.model)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Notes how many steps there were before."""
        if self._watch is not None:  # a rehearsal may have found something in made-up data
            self._watch.begin()
        run = getattr(self.model, "fit_run", None)
        done = 0 if run is None else run.first_step(epoch)
        self._epoch, self._start = epoch, self._steps() - done

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Looks at what the step has noted, and at the loss."""
        if self._watch is not None:
            kind, steps = self._watch.found.numpy()
            if kind != SOUND:
                raise self._not_finite(KINDS[kind - 1], int(steps))
        self._check("the loss", (logs or {}).get("loss"), self._steps())

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Looks at the loss of the validation, if there was one."""
        self._check("the loss of the validation", (logs or {}).get("val_loss"), self._steps())

    def _check(self, what: str, loss: Any, steps: int) -> None:
        if loss is None:
            return
        if not np.all(np.isfinite(loss)):
            raise self._not_finite(what, steps)
        if np.max(np.abs(loss)) > self.largest_loss:
            raise DivergedError(
                f"Training diverged: {what} is {np.max(loss):.3g}, larger than "
                f"{self.largest_loss:.3g}. Received: {self._where(steps)}. {CAUSES[KINDS[1]]}"
            )

    def _not_finite(self, what: str, steps: int) -> DivergedError:
        by_data = what == KINDS[0]
        noun = "is" if what.startswith("the loss") else "are"
        said = f"{what} {noun} not finite"
        rate = f"learning rate {self._rate():.3g}"
        # Of replicas nobody has looked at what they took.
        cause = UNKNOWN if self._watch is None else CAUSES.get(what, UNKNOWN)
        return DivergedError(
            f"Training diverged: {said}. Received: {self._where(steps)}, {rate}. {cause}", by_data
        )

    def _where(self, steps: int) -> str:
        run = getattr(self.model, "fit_run", None)
        place = f"epoch {self._epoch + 1}, batch {steps - self._start}, step {steps} of the run"
        return place if run is None else f"{run.described(run.stage(self._epoch))}, {place}"

    def _steps(self) -> int:
        return int(np.asarray(self.model.optimizer.iterations))

    def _rate(self) -> float:
        return float(np.asarray(self.model.optimizer.learning_rate))


def watch_of(model: Any) -> Watch | None:
    """What takes note in a model's steps, which are traced anew if nothing does yet.

    Returns:
        `None` where steps are those of another class than `MultiscaleModel`, or of replicas.
    """
    if not hasattr(model, "watch") or model.distribute_strategy.num_replicas_in_sync > 1:
        return None
    if model.watch is None:
        object.__setattr__(model, "watch", Watch(model))
        model.make_train_function(force=True)
    return model.watch
