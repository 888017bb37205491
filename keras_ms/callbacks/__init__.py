"""Callbacks for `fit` beside the schedules."""

from keras_ms.training.checkpoint import Checkpoint
from keras_ms.training.divergence import DivergedError, StopOnDivergence

__all__ = [
    "Checkpoint",
    "DivergedError",
    "StopOnDivergence",
]
