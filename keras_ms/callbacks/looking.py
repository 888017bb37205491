"""Callbacks that look at the model now and then: with every validation, or every few epochs."""

from __future__ import annotations

import abc
import warnings
from typing import Any

import keras

from keras_ms.validation import none_or_positive

Logs = dict[str, Any] | None


class Looking(keras.callbacks.Callback, abc.ABC):
    """Looks at the model at the beginning of every validation of a `fit`, or every few epochs.

    What it takes counts as validation, where clocks stop for that.

    Args:
        every: Every how many epochs; `None` for with every validation.

    Raises:
        ValueError: If `every` is neither `None` nor a positive integer.
    """

    several_steps_safe = True

    def __init__(self, every: int | None = None) -> None:
        super().__init__()
        none_or_positive(every=every)
        self.every = every
        self._fitting, self._looked, self._epoch = False, False, 0

    @abc.abstractmethod
    def look(self, epoch: int, logs: Logs) -> None:
        """Looks.

        Args:
            epoch: The epoch.
            logs: Its logs, at its end; `None` before validation.
        """

    def on_train_begin(self, logs: Logs = None) -> None:
        """Notes that what follows is training."""
        self._fitting, self._looked = True, False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_test_begin(self, logs: Logs = None) -> None:
        """Looks with a validation."""
        if self._fitting and self.every is None:
            self._looked = True
            self.look(self._epoch, None)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Looks after some epochs."""
        if self.every is not None and (epoch + 1) % self.every == 0:
            self._looked = True
            self.look(epoch, logs)

    def get_state(self) -> dict[str, bool]:
        """What a checkpoint keeps of it."""
        return {"looked": self._looked}

    def set_state(self, state: dict[str, bool]) -> None:
        """Takes back what `get_state` returned."""
        self._looked = state["looked"]

    def on_train_end(self, logs: Logs = None) -> None:
        """Says so if there was nothing to do."""
        self._fitting = False
        if not self._looked:
            when = "no validation" if self.every is None else f"fewer than {self.every} epochs"
            warnings.warn(
                f"{type(self).__name__} never looked at the model. Received: every={self.every}, "
                f"and {when}. Give `fit` validation_data, or use every=1.",
                stacklevel=2,
            )
