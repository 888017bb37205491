"""Layers that keep moving statistics, and how much of them is of a coarser mesh.

In training, a BatchNormalization layer uses the statistics of its batch, and keeps a moving mean
of them for inference. Coarse images have others than fine ones, and a moving mean forgets slowly.
"""

from __future__ import annotations

import warnings
from typing import Any

from keras_ms.data.skipped import first_level_outside
from keras_ms.keras_internals.models import all_layers

REMEMBERED = 0.1
"""The share of coarse statistics in moving ones that is too small to matter."""


def keeping_statistics(model: Any) -> list[Any]:
    """Layers of a model, nested ones too, that keep moving statistics and are not frozen."""
    return [layer for layer in all_layers(model) if _keeps_statistics(layer)]


def _keeps_statistics(layer: Any) -> bool:
    """Whether it is a BatchNormalization, or a like layer, that is not frozen."""
    named = all(hasattr(layer, name) for name in ("moving_mean", "moving_variance", "momentum"))
    return named and layer.built and layer.trainable and layer.momentum < 1.0


def coarse_share(model: Any) -> float:
    """The share of a coarser mesh's statistics in the moving ones of a model, from 0 to 1.

    Args:
        model: A model; what it was trained on is known of a `MultiscaleModel` alone.
    """
    fine = getattr(model, "steps_since_coarse", None)
    layers = [] if fine is None else keeping_statistics(model)
    return max((layer.momentum**fine for layer in layers), default=0.0)


def warn_of_coarse(model: Any) -> None:
    """Warns if a model that is to be used has statistics of a coarser mesh."""
    if coarse_share(model) >= REMEMBERED:
        warnings.warn(
            "BatchNormalization has statistics of a coarser mesh, so the model is worse on the "
            f"finest one than it could be. Received: {model.name}, "
            f"{model.steps_since_coarse} steps of level 0 after coarse ones. Call "
            "keras_ms.refresh_statistics(model, dataset) before.",
            stacklevel=first_level_outside(),
        )
