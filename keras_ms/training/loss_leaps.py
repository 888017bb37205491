"""What `fit` says of a loss that leaps up: such a run ends normally, with a ruined model."""

from __future__ import annotations

import math
import warnings
from typing import Any

import keras

Logs = dict[str, Any] | None

LEAP = 10.0
"""Times the loss of the epoch before. Where a stage begins on a finer mesh, losses of sound runs
have grown up to 5-fold, and come back within some steps."""


class LossLeaps(keras.callbacks.Callback):
    """Warns once of an epoch whose mean loss is many times that before, and above the first one.

    Losses that are not positive have no such scale, and are left alone.

    Args:
        run: The run of the `fit`.
    """

    def __init__(self, run: Any) -> None:
        super().__init__()
        self._run = run
        self._first = self._before = math.inf
        self._warned = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begins anew."""
        self._first = self._before = math.inf
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compares the loss with that of the epoch before."""
        loss = float((logs or {}).get("loss", math.nan))
        if not loss > 0.0:
            return
        if not self._warned and loss > max(LEAP * self._before, self._first):
            self._warned = True
            warnings.warn(self._said(epoch, loss), stacklevel=2)
        self._first = loss if math.isinf(self._first) else self._first
        self._before = loss

    def _said(self, epoch: int, loss: float) -> str:
        where = f"epoch {epoch + 1}, {self._run.described(self._run.stage(epoch))}"
        return (
            f"The loss leapt from {self._before:.3g} to {loss:.3g}: training is unstable. "
            f"Received: {where}. Use a smaller learning rate, an optimizer with `global_clipnorm`, "
            "or a network with normalisation or scaled residual branches; "
            "keras_ms.callbacks.StopOnDivergence(largest_loss=...) ends such a run."
        )
