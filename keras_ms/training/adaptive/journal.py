"""The journal of an adaptive run: every decision with its figures, and all a resumed run needs."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pathlib
import warnings
from collections.abc import Mapping
from typing import Any

from keras_ms import safe_files
from keras_ms.levels import Stage
from keras_ms.validation import shown


@dataclasses.dataclass(frozen=True)
class Decision:
    """What to train on from an epoch on, and why.

    Attributes:
        epoch: First epoch that it is about.
        finest: Finest active level.
        batch_sizes: Batch sizes from there on, finest first.
        reason: In words.
        work_units: Spent before the epoch, measuring included.
        seconds: Likewise, validation not counted.
        figures: What the decision rests on.
        measured: What was measured for it, entry by entry of a `Measurement`; empty if nothing.
        measuring: Work units that measuring took.
        control_weights: The weights that the batch sizes are made for, one fewer than these.
    """

    epoch: int
    finest: int
    batch_sizes: tuple[int, ...]
    reason: str
    work_units: float = 0.0
    seconds: float = 0.0
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)
    measured: dict[str, Any] = dataclasses.field(default_factory=dict)
    measuring: float = 0.0
    control_weights: tuple[float, ...] = ()

    @property
    def stage(self) -> Stage:
        """The stage decided on."""
        return Stage(self.finest, self.batch_sizes, self.control_weights)

    def announced(self, mesh_size: tuple[int, ...]) -> str:
        """The decision in a line, for a level of these sides."""
        mesh = "x".join(str(side) for side in mesh_size)
        sizes = ", ".join(str(size) for size in self.batch_sizes)
        weights = ", ".join(f"{weight:.2f}" for weight in self.control_weights)
        weighted = f" (control weights {weights})" if set(self.control_weights) - {1.0} else ""
        return (
            f"Level {self.finest}, {mesh} px, batches of {sizes}{weighted}, after "
            f"{self.work_units:,.0f} work units: {self.reason}"
        )


class Journal:
    """Decisions in order, validation losses and seconds by epoch; saved as JSON after each epoch.

    Args:
        path: The file, or `None` to keep nothing.
    """

    def __init__(self, path: str | os.PathLike[str] | None) -> None:
        self._path = None if path is None else pathlib.Path(path)
        self.decisions: list[Decision] = []
        self.validations: list[tuple[int, float]] = []
        self.seconds: list[float] = []
        self.largest_rate = 0.0
        self._warned = False

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch."""
        return next(d.stage for d in reversed(self.decisions) if d.epoch <= epoch)

    def measuring(self, epoch: int) -> float:
        """Work units that measuring took until an epoch began."""
        return sum(d.measuring for d in self.decisions if d.epoch <= epoch)

    @property
    def stage_start(self) -> Decision:
        """The decision that began the present stage."""
        finest = self.decisions[-1].finest
        return next(d for d in self.decisions if d.finest == finest)

    def note_validation(self, epoch: int, logs: Mapping[str, Any], monitor: str) -> None:
        """Keeps the loss that `monitor` names; warns once if validation reports others only."""
        if monitor in logs:
            self.validations.append((epoch, float(logs[monitor])))
            return
        reported = [name for name in logs if name.startswith("val_")]
        if reported and not self._warned:
            self._warned = True
            warnings.warn(
                "Validation does not report what `monitor` names, so it ends no stage. Received: "
                f"monitor={shown(monitor)}, reported: {', '.join(reported)}.",
                stacklevel=2,
            )

    def save(self) -> None:
        """Writes the file, whole or not at all; what cannot be written costs no training.

        Warns:
            UserWarning: If it cannot. The next epoch tries again.
        """
        if self._path is None:
            return
        try:
            safe_files.write_json(self._path, self.as_dict())
        except OSError as error:
            warnings.warn(f"The journal cannot be written ({error}).", stacklevel=2)

    def as_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        return {
            "decisions": [dataclasses.asdict(decision) for decision in self.decisions],
            "validations": list(self.validations),
            "seconds": list(self.seconds),
            "largest_rate": self.largest_rate,
        }

    def restore(self, content: dict[str, Any]) -> None:
        """Takes back what `as_dict` returned."""
        self.decisions = [Decision(**_with_tuples(entry)) for entry in content["decisions"]]
        self.validations = _validations(content)
        self.seconds = list(content["seconds"])
        self.largest_rate = content["largest_rate"]

    def resume(self, epoch: int) -> None:
        """Loads what had been decided and seen before and at the start of `epoch`.

        Raises:
            ValueError: If there is no file, or it does not reach back to `epoch`.
        """
        try:
            if self._path is None:
                raise OSError("no journal was asked for")
            content = json.loads(self._path.read_text())
            found = [Decision(**_with_tuples(entry)) for entry in content["decisions"]]
            self.seconds = content["seconds"][:epoch]
            self.validations = [v for v in _validations(content) if v[0] < epoch]
            self.largest_rate = content["largest_rate"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ValueError(
                "An adaptive run goes on from its journal. "
                f"Received: epoch {epoch}, journal={self._path} ({error}). Pass the same "
                "journal=... in every run, or start from epoch 0."
            ) from error
        self.decisions = [decision for decision in found if decision.epoch <= epoch]
        if len(self.seconds) < epoch or not self.decisions:
            raise ValueError(
                f"The journal ends before the epoch to go on from. Received: epoch {epoch}, "
                f"{self._path} with {len(self.seconds)} epochs. Is it another run's?"
            )


def _validations(content: dict[str, Any]) -> list[tuple[int, float]]:
    """Epochs and losses; one that is not finite is `null` in a file."""
    pairs = content["validations"]
    return [(epoch, math.nan if loss is None else loss) for epoch, loss in pairs]


def _with_tuples(entry: dict[str, Any]) -> dict[str, Any]:
    tuples = ("batch_sizes", "control_weights")
    return {name: tuple(value) if name in tuples else value for name, value in entry.items()}
