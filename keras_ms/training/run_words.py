"""What a run tells: what was decided for it, the stage in words, and where it is."""

from __future__ import annotations

import copy
from typing import Any

from keras_ms.data import MultiscaleDataset
from keras_ms.data.last_fit import LastFit
from keras_ms.gradients.chunks import Chunks
from keras_ms.levels import Stage
from keras_ms.training.automatic import Decision


def stage_in_words(dataset: MultiscaleDataset, stage: Stage) -> str:
    """Position, level, mesh and batches of a stage.

    Args:
        dataset: What is trained on.
        stage: One of its stages.
    """
    levels, mesh = dataset.levels.num_levels, dataset.mesh_sizes[stage.finest]
    sizes = ", ".join(str(size) for size in stage.batch_sizes)
    return (
        f"stage {levels - stage.finest} of {levels} (level {stage.finest}, "
        f"{'x'.join(map(str, mesh))} px, batches of {sizes})"
    )


def noted(model: Any, decision: Decision, chunks: Chunks) -> LastFit:
    """What the dataset that `fit` was given is to know of a run.

    Args:
        model: The model in training.
        decision: What it trains on.
        chunks: How the loss of a batch is taken.
    """
    trained = copy.copy(decision.dataset)
    if decision.stages != trained.stages:
        trained = trained.replaced(stages=decision.stages)
    lines = (*decision.lines, *((chunks.line,) if chunks.line else ()))
    return LastFit(model.name, trained, lines)


def whereabouts(run: Any, epoch: int, present: Stage | None, rehearsed: Stage | None) -> str:
    """What is going on in a run.

    Args:
        run: The run.
        epoch: Its epoch, from 0.
        present: The stage that it trains; `None` before the first step.
        rehearsed: The stage that it rehearses, if it does.
    """
    if rehearsed is not None:
        return f"in the rehearsal of {run.described(rehearsed)}, before the first step"
    if present is None:
        return "before the first step"
    what = "in validation after" if run.validating else "on"
    return f"{what} {run.described(present)}, in epoch {epoch + 1}"
