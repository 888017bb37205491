"""Coarsening, levels and batch sizes that measured gradients decide, before a run is planned."""

from __future__ import annotations

import keras_ms
from keras_ms.data import geometry
from keras_ms.levels import Stage
from keras_ms.training import automatic, beginning
from keras_ms.training.clock import Clock
from keras_ms.training.extent import Extent, step_costs

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
    if dataset.allocation == "given" and dataset.coarsening != geometry.AUTO:
        return dataset, 0.0
    if saving is not None and (known := saving.remembered()):
        stages = [Stage(s[0], *map(tuple, s[1:])) for s in known["stages"]]
        taken = dataset.replaced(coarsening=known["coarsening"], stages=stages)
        return taken, known["seconds"]
    clock = Clock()
    model = building.make_model(settings, settings.learning_rate)
    judged, _ = beginning.looked_at(model, dataset)
    _, found = beginning.decided(model, judged, _extent(settings, dataset))
    for line in found.lines:
        print(line, flush=True)
    taken = dataset.replaced(coarsening=found.dataset.coarsening, stages=found.stages)
    seconds = clock.seconds
    if saving is not None:
        decided = {"stages": found.stages, "coarsening": found.dataset.coarsening}
        saving.remember({**decided, "seconds": seconds})
    return taken, seconds


def _extent(settings: Settings, dataset: keras_ms.MultiscaleDataset) -> Extent:
    """What the run is to take: its budget, or the steps asked for."""
    if settings.seconds is not None:
        return Extent(seconds=settings.seconds)
    if settings.work_units is not None:
        return Extent(settings.work_units)
    costs = step_costs(dataset, automatic.PLAIN_BATCH)
    return keras_ms.FullMultiscaleSchedule(settings.stage_iterations).extent_of_run(costs)
