"""Callbacks that let people look into a run from outside: files for TensorBoard."""

from __future__ import annotations

import os

import keras
import tensorflow as tf

import keras_ms

from ..experiment import building
from ..experiment.settings import Settings

IMAGES = 3


def watching(
    settings: Settings, validation: tf.data.Dataset, by_level: bool = True
) -> list[keras.callbacks.Callback]:
    """What `--tensorboard` asks for; behind the clock, which stops for it.

    Args:
        settings: Of the run.
        validation: Pairs to show pictures of.
        by_level: Whether the run is on a `MultiscaleDataset`, whose levels can be measured.
    """
    if settings.tensorboard is None:
        return []
    ways = building.kind_of(settings).export_options()
    folder, normalised = settings.tensorboard, {name: ways[name] for name in ("mean", "std")}
    pictures = os.path.join(folder, "pictures")
    return [
        *([keras_ms.callbacks.LevelMoments()] if by_level else []),
        keras_ms.callbacks.ValidationImages(pictures, validation, IMAGES, **normalised),
        keras.callbacks.TensorBoard(folder, write_graph=False),
    ]
