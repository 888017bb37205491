"""WarmUpPerStage: a learning rate that begins small with every stage."""

from __future__ import annotations

import math
from typing import Any

import keras

from keras_ms.validation import is_number, positive_integer, shown

Tensor = Any


@keras.saving.register_keras_serializable(package="keras_ms")
class WarmUpPerStage(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that grows to what it is to be in the first steps of every stage.

    The optimizer's moments are of the coarser mesh when a finer stage begins. Give this to the
    optimizer. `MultiscaleModel.fit` tells it where stages begin, whichever schedule leads. In
    other fits it warms up once, in the first steps.

    Args:
        learning_rate: What it is to be: a number, or a Keras schedule of the steps of the run.
        steps: Steps of a stage after which it is.
        start: The share of it that a stage begins with, in [0, 1]. Defaults to 0.1.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> rate = keras_ms.callbacks.WarmUpPerStage(1e-3, steps=4, start=0.0)
        >>> [round(float(rate(step)), 6) for step in range(6)]
        [0.0, 0.00025, 0.0005, 0.00075, 0.001, 0.001]
        >>> optimizer = keras.optimizers.Adam(rate)
    """

    def __init__(self, learning_rate: Any, steps: int, start: float = 0.1) -> None:
        super().__init__()
        self.steps: int = positive_integer(steps, "steps")
        if not is_number(start) or not 0.0 <= float(start) <= 1.0:
            raise ValueError(f"`start` is a share from 0 to 1. Received: start={shown(start)}.")
        number = is_number(learning_rate) and 0.0 <= learning_rate < math.inf
        if not number and not callable(learning_rate):
            raise ValueError(
                "`learning_rate` is a finite number, 0 or more, or a "
                "keras.optimizers.schedules.LearningRateSchedule. "
                f"Received: learning_rate={shown(learning_rate)}. Use for example 1e-3."
            )
        self.learning_rate: Any = float(learning_rate) if number else learning_rate
        self.start: float = float(start)
        # A variable, so that steps that are traced already see it change.
        self._began: Any = keras.Variable(0, dtype="int64", trainable=False, name="stage_began")

    def begin_stage(self, step: int) -> None:
        """Begins a stage, which `fit` calls.

        Args:
            step: The optimizer's count of steps when the stage began.
        """
        self._began.assign(step)

    def __call__(self, step: Tensor) -> Tensor:
        """The rate of a step."""
        whole = self.learning_rate
        rate = whole(step) if callable(whole) else whole
        within = keras.ops.cast(step, "int64") - self._began.value
        part = keras.ops.clip(keras.ops.cast(within, "float32") / self.steps, 0.0, 1.0)
        return keras.ops.cast(rate, "float32") * (self.start + (1.0 - self.start) * part)

    def get_config(self) -> dict[str, Any]:
        """Its arguments."""
        rate = self.learning_rate
        if callable(rate):
            rate = keras.saving.serialize_keras_object(rate)
        return {"learning_rate": rate, "steps": self.steps, "start": self.start}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUpPerStage:
        """Made of its arguments."""
        rate = config["learning_rate"]
        if isinstance(rate, dict):
            rate = keras.saving.deserialize_keras_object(rate)
        return cls(**{**config, "learning_rate": rate})
