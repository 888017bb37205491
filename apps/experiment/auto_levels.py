"""Levels and batch sizes that measured gradients decide, before a run is planned."""

from __future__ import annotations

import keras_ms
from keras_ms.gradients.chunks import chunks_for
from keras_ms.gradients.per_sample import build_for_gradients
from keras_ms.gradients.target_roles import suited
from keras_ms.training import automatic
from keras_ms.training.clock import Clock

from . import building
from .settings import Settings


def decided(
    settings: Settings, dataset: keras_ms.MultiscaleDataset
) -> tuple[keras_ms.MultiscaleDataset, float]:
    """Decides levels and batch sizes where they are open.

    Args:
        settings: The settings, of which a network is made to measure gradients of.
        dataset: The data, with `levels="auto"` or any other.

    Returns:
        The data with batch sizes on every level, and the seconds that it took.
    """
    if dataset.allocation == "given":
        return dataset, 0.0
    clock = Clock()
    model = building.make_model(settings, settings.learning_rate)
    judged = suited(model, dataset)
    build_for_gradients(model, judged)
    # Measured sizes are multiples of the chunks that the loss of the run has to be taken in.
    stages = automatic.stages_for(model, judged, chunks_for(model, judged))
    print(automatic.described(dataset, stages), flush=True)
    return dataset.replaced(stages=stages), clock.seconds
