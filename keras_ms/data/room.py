"""Whether batches fit in memory, before the first is made: the system kills what asks for more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_ms.data.memory import available_bytes, in_words
from keras_ms.levels import Stage


def bytes_of_sample(spec: Any) -> int:
    """Bytes of one example of a batched spec; sides that are not known count as 1."""
    return sum(
        leaf.dtype.size * math.prod(side or 1 for side in tuple(leaf.shape)[1:])
        for leaf in keras.tree.flatten(spec)
    )


def bytes_of_step(stage: Stage, specs: Sequence[Any]) -> int:
    """Bytes of the batches of one step: each term on its level and on the next coarser one.

    Args:
        stage: The stage.
        specs: Batched specs of every level.
    """
    last = len(stage.batch_sizes) - 1
    return sum(
        size * bytes_of_sample(specs[stage.finest + term + coarser])
        for term, size in enumerate(stage.batch_sizes)
        for coarser in (0, 1)
        if term + coarser <= last
    )


def check_steps(stages: Sequence[Stage], specs: Sequence[Any]) -> None:
    """Refuses stages whose batches alone need more memory than there is.

    Args:
        stages: The stages.
        specs: Batched specs of every level.

    Raises:
        ValueError: Naming the batch sizes, what they take and what is free.
    """
    there = available_bytes()
    for stage in stages:
        needed = bytes_of_step(stage, specs)
        if needed > there:
            shapes = [tuple(s.shape)[1:] for s in keras.tree.flatten(specs[stage.finest])]
            raise ValueError(
                f"The batches of one step do not fit in memory: they take {in_words(needed)}, and "
                f"{in_words(there)} are free. Received: levels with batch_sizes="
                f"{stage.batch_sizes} from level {stage.finest} on, examples of shapes {shapes}. "
                "Use smaller batch sizes (`levels`), or smaller crops (`image_size`)."
            )


def check_samples(samples: int, spec: Any) -> None:
    """Refuses a set of pairs that is kept in memory, and does not fit.

    Raises:
        ValueError: Naming the number, what it takes and what is free.
    """
    # They are drawn in one batch, and copied once.
    needed, there = 2 * samples * bytes_of_sample(spec), available_bytes()
    if needed > there:
        raise ValueError(
            f"The pairs to validate on are kept in memory and do not fit: they take "
            f"{in_words(needed)}, and {in_words(there)} are free. Received: samples={samples}. "
            "Use fewer (in the apps: --validation_samples), or a smaller `image_size`."
        )
