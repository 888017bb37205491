"""How every run begins, also one that an app plans before its `fit`: what is seen and decided."""

from __future__ import annotations

from typing import Any

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.chunks import Chunks, chunks_for, whole_for
from keras_ms.gradients.model_fits import built_for
from keras_ms.gradients.target_roles import suited
from keras_ms.training.automatic import Decision, check_can_decide, decide
from keras_ms.training.extent import WITHOUT_END, Extent


def looked_at(model: Any, dataset: MultiscaleDataset) -> tuple[MultiscaleDataset, bool]:
    """Sees targets as the losses take them, and builds the model.

    Args:
        model: A model, compiled.
        dataset: What it trains on.

    Returns:
        The dataset as the model sees it, and whether the model is built; if not, its first step
        builds it.

    Raises:
        ValueError: If the model does not fit the dataset, or what the dataset leaves open cannot be
            measured.
    """
    dataset = suited(model, dataset)
    built = built_for(model, dataset)
    if not built:
        check_can_decide(model, dataset)
    return dataset, built


def decided(
    model: Any, dataset: MultiscaleDataset, extent: Extent = WITHOUT_END
) -> tuple[Chunks, Decision]:
    """Decides how the loss of a batch is taken, and what the dataset leaves open.

    Args:
        model: The model.
        dataset: The dataset as `looked_at` returns it.
        extent: What the run is to take. Defaults to as much as it likes.

    Returns:
        The chunks of the loss, and coarsening, batch sizes and weights. Measured sizes are
        multiples of the chunks.

    Raises:
        ValueError: If the loss is none that a sum can be taken of, or gradients are not finite.
    """
    chosen = chunks_for if dataset.telescoping else whole_for
    chunks = chosen(model, dataset)
    return chunks, decide(model, dataset, chunks, extent)
