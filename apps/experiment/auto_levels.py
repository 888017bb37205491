"""Coarsening, levels and batch sizes that measured gradients decide, before a run is planned."""

from __future__ import annotations

import keras_ms
from keras_ms.data import geometry
from keras_ms.levels import Stage
from keras_ms.training import automatic, beginning
from keras_ms.training.clock import Clock

from . import building
from .saving import Saving
from .settings import Settings


def decided(
    settings: Settings, dataset: keras_ms.MultiscaleDataset, saving: Saving | None = None
) -> tuple[keras_ms.MultiscaleDataset, float]:
    """Decides coarsening, levels and batch sizes where they are open.

    Args:
        settings: The settings, of which a network is made to measure gradients of.
        dataset: The data, with `levels="auto"`, `coarsening="auto"` or any other.
        saving: Remembers what was decided, for a run that goes on.

    Returns:
        The data with coarsening and batch sizes of every level, and the seconds that it took.
    """
    batches, coarse = dataset.allocation != "given", dataset.coarsening == geometry.AUTO
    if not (batches or coarse):
        return dataset, 0.0
    if saving is not None and (known := saving.remembered()):
        stages = [Stage(s[0], *map(tuple, s[1:])) for s in known["stages"]]
        taken = dataset.replaced(coarsening=known["coarsening"], stages=stages)
        return taken, known["seconds"]
    clock = Clock()
    model = building.make_model(settings, settings.learning_rate)
    judged, _ = beginning.looked_at(model, dataset)
    _, found = beginning.decided(model, judged)
    if found.choices:
        print(automatic.described_choices(found.dataset, found.choices), flush=True)
    if batches:
        print(automatic.described(found.dataset, found.stages), flush=True)
    taken = dataset.replaced(coarsening=found.dataset.coarsening, stages=found.stages)
    seconds = clock.seconds
    if saving is not None:
        decided = {"stages": found.stages, "coarsening": found.dataset.coarsening}
        saving.remember({**decided, "seconds": seconds})
    return taken, seconds
