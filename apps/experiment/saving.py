"""What is kept of the run of one strategy while it lasts, so that no kill loses it."""

from __future__ import annotations

import json
import math
import os
import pathlib
from typing import Any

import keras
import tensorflow as tf

from keras_ms import safe_files
from keras_ms.callbacks import Checkpoint, DivergedError, StopOnDivergence
from keras_ms.training.snapshots import Snapshots, where

from .recording import Curve, Logs
from .stopping import Signals, StoppedError

EXPLODED = 1000.0
"""A loss so many times that of the untrained network counts as diverged."""
LEAST_LOSS = 0.01
"""What the loss of the untrained network counts as at least: some begin near zero."""


class Saving:
    """Checkpoints of one strategy, and what its run has come to.

    Args:
        folder: Where they go.
        every_seconds: Seconds between two.
        signals: Who asks for a stop.
        rate: A constant learning rate in place of that of the checkpoint, or `None`.
        said: What was said already of what was decided for the user.

    Attributes:
        model: The network in training, once there is one.
        curve: Its validations.
        reference: The loss of the validation of the untrained network.
        said: See above.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        every_seconds: float,
        signals: Signals,
        rate: float | None = None,
        said: set[str] | None = None,
    ) -> None:
        self.folder = pathlib.Path(folder)
        self._every, self._signals, self._rate = every_seconds, signals, rate
        self.said: set[str] = set() if said is None else said
        self.model: keras.Model | None = None
        self.curve: Curve | None = None
        self.reference = math.nan

    @property
    def steps(self) -> int:
        """Steps done at the checkpoint that a run goes on from; 0 if there is none."""
        found = Snapshots(self.folder).newest()
        return 0 if found is None else int(found.content["steps"])

    def callbacks(
        self, model: keras.Model, curve: Curve, validation: tf.data.Dataset
    ) -> list[keras.callbacks.Callback]:
        """Callbacks for the `fit` of a network that is not trained yet.

        Args:
            model: The network.
            curve: Records its validations.
            validation: What it is validated on.

        Raises:
            DivergedError: If the validation of the untrained network is no number.
        """
        self.model, self.curve = model, curve
        self.reference = float(model.evaluate(validation, verbose=0, return_dict=True)["loss"])
        if not math.isfinite(self.reference):
            raise DivergedError(
                "The loss of the validation is not finite before training begins. Received: "
                f"{self.reference}, of the untrained network. The held-out examples hold NaN or "
                "Inf, or the loss is not finite for what they hold: look at your data.",
                by_data=True,
            )
        largest = EXPLODED * max(abs(self.reference), LEAST_LOSS)
        found: list[keras.callbacks.Callback] = [StopOnDivergence(largest)]
        if self._rate is not None:
            found.append(ConstantRate(self._rate))
        # The rate is another one after a rollback, and settings are compared already.
        checkpoint = _Heard(
            self._signals, self.folder, self._every, free=("optimizer.learning_rate",)
        )
        return [*found, checkpoint]

    def remember(self, content: dict[str, Any]) -> None:
        """Keeps what was decided before training, and cannot be decided again alike."""
        safe_files.write_json(self.folder / "decided.json", content)

    def remembered(self) -> dict[str, Any] | None:
        """What was decided, or `None`."""
        try:
            found = json.loads((self.folder / "decided.json").read_text())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None


class _Heard(Checkpoint):
    """A checkpoint that says where it goes on, and is told of signals while training lasts."""

    def __init__(self, signals: Signals, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._signals = signals

    def on_train_begin(self, logs: Logs = None) -> None:
        """Goes on, and listens."""
        with self._signals.held():  # what is put back is then put back as a whole
            super().on_train_begin(logs)
        if self.resumed is not None:
            content, run = self.resumed.content, getattr(self.model, "fit_run", None)
            stage = "" if run is None else f" on {run.described(run.stage(content['epoch']))}"
            print(f"Going on{stage}: {where(content)}, from {self.resumed.path}.", flush=True)
        self._signals.listener = self.save_and_stop

    def asked_by(self, host: int, number: int) -> StoppedError:
        """The same stop as that of another host."""
        return StoppedError(number)

    def on_train_end(self, logs: Logs = None) -> None:
        """Stops listening."""
        super().on_train_end(logs)
        self._signals.listener = None


class ConstantRate(keras.callbacks.Callback):
    """Sets a learning rate when training begins, whatever a checkpoint says.

    Args:
        rate: The rate.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate: float | None = rate

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Sets it, once."""
        if self._rate is not None:
            self.model.optimizer.learning_rate = self._rate
        self._rate = None
