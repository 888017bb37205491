"""Callbacks for runs of several stages, and for looking into a run."""

from keras_ms.callbacks.level_moments import LevelMoments
from keras_ms.callbacks.per_stage import PerStage
from keras_ms.callbacks.validation_images import ValidationImages
from keras_ms.callbacks.warm_up import WarmUpPerStage

__all__ = [
    "LevelMoments",
    "PerStage",
    "ValidationImages",
    "WarmUpPerStage",
]
