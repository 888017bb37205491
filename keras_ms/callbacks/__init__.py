"""Callbacks beside the schedules: runs that survive, several stages, and a look into a run."""

from keras_ms.callbacks.level_moments import LevelMoments
from keras_ms.callbacks.per_stage import PerStage
from keras_ms.callbacks.validation_images import ValidationImages
from keras_ms.callbacks.warm_up import WarmUpPerStage
from keras_ms.training.checkpoint import Checkpoint
from keras_ms.training.divergence import DivergedError, StopOnDivergence

__all__ = [
    "Checkpoint",
    "DivergedError",
    "LevelMoments",
    "PerStage",
    "StopOnDivergence",
    "ValidationImages",
    "WarmUpPerStage",
]
