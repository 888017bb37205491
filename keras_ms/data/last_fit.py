"""What a `fit` made of the dataset that it was given: the decisions, and what it trained on."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from keras_ms.levels import Stage

_SHOWN = 6  # stretches of epochs that are named


@dataclasses.dataclass
class LastFit:
    """Notes of a `fit`, which the dataset that was given to it keeps.

    They hold neither the model nor the dataset that keeps them: nothing lives longer for them.

    Attributes:
        model: Name of the model.
        dataset: What was trained on: the same examples, with roles, coarsening and batch sizes as
            they were decided.
        lines: What was decided beside that, a sentence each.
        stages: The stage of every epoch that has begun.
    """

    model: str
    dataset: Any
    lines: tuple[str, ...]
    stages: dict[int, Stage] = dataclasses.field(default_factory=dict)

    @property
    def line(self) -> str:
        """Which fit it was, and what its epochs trained on, in a sentence."""
        runs = [
            (stage, len(list(epochs)))
            for stage, epochs in itertools.groupby(self.stages[e] for e in sorted(self.stages))
        ]
        told = [self._told(stage, epochs) for stage, epochs in runs[:_SHOWN]]
        if len(runs) > _SHOWN:
            told.append(f"and {len(runs) - _SHOWN} more changes of stage")
        return f"as in the fit of {self.model}: {'; '.join(told) or 'no epoch has begun yet'}"

    def _told(self, stage: Stage, epochs: int) -> str:
        active = slice(stage.finest, stage.finest + len(stage.batch_sizes))
        meshes = ("x".join(map(str, mesh)) for mesh in self.dataset.mesh_sizes[active])
        sizes = ", ".join(map(str, stage.batch_sizes))
        plural = "s" if epochs != 1 else ""
        return f"{epochs} epoch{plural} on {', '.join(meshes)} in batches of {sizes}"
