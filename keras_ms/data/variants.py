"""Other datasets of the same decoded images: copies, in other steps, in other roles."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Self

from keras_ms.data.by_stage import by_stage
from keras_ms.data.last_fit import LastFit
from keras_ms.data.pair_batches import PairBatches
from keras_ms.data.stages import checked_stages
from keras_ms.data.task_batches import TaskBatches
from keras_ms.levels import Levels, Stage
from keras_ms.validation import checked_refresh, positive_integer


class Variants:
    """Gives a dataset the ways to make others of its images, none of which changes it."""

    levels: Levels
    steps_per_epoch: int
    stages: tuple[Stage, ...]
    allocation: str
    coarsening: str | tuple[str, ...]
    last_fit: LastFit | None = None
    """What the last `fit` on this very object has decided; `None` if there was none."""
    _batches: TaskBatches | PairBatches
    _by_stage: tuple[Any, ...]
    _specs: tuple[Any, ...]

    def __copy__(self) -> Self:
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | {"last_fit": None}  # nobody has trained on it yet
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """The same batches, of the same decoded images: nobody changes these."""
        return copy.copy(self)

    def __reduce__(self) -> Any:
        raise TypeError(
            "A MultiscaleDataset is not pickled: it holds decoded images, open files and what "
            f"reads them. Received: {self!r}. Make it in the process that trains; its arguments "
            "(FolderImages, FolderPairs, arrays, tasks, Levels) can be pickled."
        )

    def replaced(
        self,
        steps_per_epoch: int | None = None,
        stages: Sequence[Stage] | None = None,
        coarsening: str | Sequence[str] | None = None,
    ) -> Self:
        """A dataset of the same images, already decoded, in other steps.

        Args:
            steps_per_epoch: Steps of one epoch. Defaults to this dataset's.
            stages: What the steps of each stage hold, by finest level, finest first. Defaults to
                this dataset's; given ones are not measured any more. A stage may be that of a
                finer level, which then stands in for its own.
            coarsening: One word, or one for every level, as at the dataset's making. Defaults to
                this dataset's.

        Raises:
            ValueError: If there is not one stage per level, its batch sizes or weights do not fit,
                `refresh` does not divide the steps, or the images are not kept on the coarse meshes
                that a coarsening needs (those of `"auto"` and `"task"` are).
        """
        other = copy.copy(self)
        if steps_per_epoch is not None:
            other.steps_per_epoch = positive_integer(steps_per_epoch, "steps_per_epoch")
        for every in (stage.refresh for stage in self.stages if stage.refresh):
            checked_refresh(every, len(every), other.steps_per_epoch)
        if stages is not None:
            other.stages, other.allocation = checked_stages(self.levels, stages), "given"
        if coarsening is not None:
            other._coarsen(coarsening)
        return other

    @property
    def pairs(self) -> PairBatches | None:
        """How examples of the user's own are seen; `None` with a task."""
        return self._batches if isinstance(self._batches, PairBatches) else None

    def judged_by(
        self, told: Mapping[str, tuple[str, str]], unit_axes: Mapping[str, int] | None = None
    ) -> Self:
        """A dataset of the same examples, of whose targets a loss says what they are.

        Args:
            told: Role and reason by name of target, such as
                `{"y": ("class_map", "under sparse_categorical_crossentropy")}`. What the user says
                goes before.
            unit_axes: How many axes of one entry weights of whole examples get, by name, so that
                they meet values of pixels. Defaults to none.

        Raises:
            ValueError: If a target does not fit its role.
        """
        if self.pairs is None:
            return self
        other = copy.copy(self)
        other._batches = self.pairs.with_targets(told, unit_axes or {})
        other._coarsen(self.coarsening)
        other._specs = other._batches.specs()
        return other

    def _coarsen(self, coarsening: str | Sequence[str]) -> None:
        self._by_stage = by_stage(self._batches, coarsening)
        self.coarsening = coarsening if isinstance(coarsening, str) else tuple(coarsening)
