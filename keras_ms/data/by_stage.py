"""What the stages of a dataset see: the batches of each, by the coarsening asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from keras_ms.data import geometry

Batches = TypeVar("Batches", bound=Any)


def first_of(coarsening: Any) -> str:
    """The coarsening that images are prepared for, of which all others can be made.

    Raises:
        ValueError: If a word is unknown.
    """
    if isinstance(coarsening, str):
        return geometry.words(coarsening, 1)[0]
    geometry.words(coarsening, len(coarsening) if isinstance(coarsening, Sequence) else 1)
    return coarsening[0] if len(set(coarsening)) == 1 else "task"


def by_stage(batches: Batches, coarsening: str | Sequence[str]) -> tuple[Batches, ...]:
    """Batches by finest level of the stage, all of the same images.

    Args:
        batches: `TaskBatches` or `PairBatches`, of any coarsening.
        coarsening: One word, or one for every level.

    Raises:
        ValueError: If a word is unknown, there is not one for every level, or one does not fit the
            images.
    """
    words = geometry.words(coarsening, batches.levels.num_levels)
    made = {
        word: batches if word == batches.coarsening else batches.recoarsened(word)
        for word in dict.fromkeys(words)
    }
    return tuple(made[word] for word in words)
