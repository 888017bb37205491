"""Callbacks that keep the time and record validation loss against cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.training.clock import Clock

Logs = dict[str, Any] | None


class Point(NamedTuple):
    """One validation: what had been spent, and the loss."""

    seconds: float
    work_units: float
    loss: float


class TrainingClock(keras.callbacks.Callback):
    """Seconds since training began, tracing and compilation included, validation excluded.

    Args:
        already: Seconds spent before.
    """

    def __init__(self, already: float = 0.0) -> None:
        super().__init__()
        self._already, self._clock = already, Clock(already)

    @property
    def seconds(self) -> float:
        """Training time so far."""
        return self._clock.seconds

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the clock."""
        self._clock = Clock(self._already)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Stops it for validation."""
        self._clock.pause()

    def on_test_end(self, logs: Logs = None) -> None:
        """Goes on."""
        self._clock.go_on()

    def get_state(self) -> dict[str, float]:
        """What a checkpoint keeps of it."""
        return {"seconds": self.seconds}

    def set_state(self, state: dict[str, float]) -> None:
        """Goes on from what `get_state` returned."""
        self._clock = Clock(state["seconds"])


class Curve(keras.callbacks.Callback):
    """Validation loss against seconds and work units.

    Attributes:
        points: One `Point` per validation, in order.
        start: Seconds and work units when the first step was done, which traces.
        metrics: For each point, the other metrics of the model by name.
        kept: The weights of the best point, if its loss is a number.
    """

    several_steps_safe = True

    def __init__(self, clock: TrainingClock) -> None:
        super().__init__()
        self._clock = clock
        self.points: list[Point] = []
        self.metrics: list[dict[str, float]] = []
        self.work_units = self.seconds = 0.0
        self.start: tuple[float, float] | None = None
        self.kept: list[np.ndarray] | None = None

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Notes the cost so far, which a run stopped within an epoch would lose."""
        self.work_units = (logs or {})["work_units"]
        self.seconds = self._clock.seconds
        self.start = self.start or (self.seconds, self.work_units)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Notes the validation loss, if there was a validation."""
        if logs and "val_loss" in logs:
            self._add({k[4:]: v for k, v in logs.items() if k.startswith("val_")})

    def close(self, model: keras.Model, validation: tf.data.Dataset) -> None:
        """Adds the loss of the trained model, unless the last epoch was validated."""
        if not self.points or self.points[-1].work_units != self.work_units:
            self._add(model.evaluate(validation, verbose=0, return_dict=True))

    def _add(self, validated: dict[str, float]) -> None:
        others = {name: float(value) for name, value in validated.items() if name != "loss"}
        point = Point(self.seconds, self.work_units, validated["loss"])
        self.points.append(point)
        self.metrics.append(others)
        if self.model is not None and self.best is point and math.isfinite(point.loss):
            self.kept = self.model.get_weights()

    def take_best(self, always: bool = False, model: keras.Model | None = None) -> Point | None:
        """Gives the model the weights of the best validation.

        Args:
            always: Whether also if that was the last one. What follows it, such as refreshed
                statistics, is else left as it is.
            model: Another model like it to give them to.

        Returns:
            That validation, or `None` if no loss is a number.
        """
        if self.kept is None:
            return None
        if always or self.best is not self.final:
            (model or self.model).set_weights(self.kept)
        return self.best

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        start = None if self.start is None else list(self.start)
        return {
            "points": [list(point) for point in self.points],
            "metrics": self.metrics,
            "spent": [self.seconds, self.work_units],
            "start": start,
            "kept": self.kept,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from what `get_state` returned."""
        self.points = [Point(*point) for point in state["points"]]
        self.metrics = list(state["metrics"])
        self.seconds, self.work_units = state["spent"]
        self.start = None if state["start"] is None else tuple(state["start"])
        self.kept = state["kept"]

    @property
    def final(self) -> Point:
        """The last point."""
        return self.points[-1]

    @property
    def best(self) -> Point:
        """The point with the least loss, the first of several."""
        return min(self.points, key=lambda point: (math.isnan(point.loss), point.loss))

    def ends(self) -> dict[str, tuple[float, float]]:
        """The last and the best value of the loss and, by name, of every other metric.

        Of these the largest is the best: what apps measure beside the loss is a quality.
        """
        found = {"loss": (self.final.loss, self.best.loss)}
        for name in self.metrics[0] if self.metrics else ():
            values = [metrics[name] for metrics in self.metrics]
            found[name] = values[-1], max(values, key=lambda v: (not math.isnan(v), v))
        return found

    def first_reaching(self, loss: float) -> Point | None:
        """The first point whose loss is at most `loss`, or `None`."""
        return next((point for point in self.points if point.loss <= loss), None)


class ValidateByBudget(keras.callbacks.Callback):
    """Asks for a validation whenever another share of the budget is spent.

    Args:
        pace: Whose `progress` is the share of the budget that is spent.
        validations: How many.

    Attributes:
        epochs: What to pass to `fit(validation_freq=...)`; it grows.
    """

    def __init__(self, pace: Any, validations: int) -> None:
        super().__init__()
        self.epochs: list[int] = []
        self._pace, self._next, self._step = pace, 0.0, 1.0 / validations

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Has this epoch validated at its end if it is time."""
        if self._pace.progress >= self._next:
            self.epochs.append(epoch + 1)
            self._next = self._pace.progress + self._step

    def get_state(self) -> dict[str, Any]:
        """What a checkpoint keeps of it."""
        return {"epochs": list(self.epochs), "next": self._next}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on from what `get_state` returned."""
        self.epochs[:], self._next = state["epochs"], state["next"]


def crossing(points: Sequence[Point], loss: float) -> Point | None:
    """From where on a curve stays at `loss` or below.

    Between two validations the logarithm of the loss is taken to be linear.

    Returns:
        The point, or `None` if the curve ends above.
    """
    above = [index for index, point in enumerate(points) if not point.loss <= loss]
    if not above:
        return points[0] if points else None
    if above[-1] == len(points) - 1:
        return None
    before, point = points[above[-1]], points[above[-1] + 1]
    share = math.log(before.loss / loss) / math.log(before.loss / point.loss)
    return Point(
        before.seconds + share * (point.seconds - before.seconds),
        before.work_units + share * (point.work_units - before.work_units),
        loss,
    )
